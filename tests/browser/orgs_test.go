package browser

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

// orgStory is told by ada, who owns organizations, bob, who has an account, and
// grace, who has none.
type orgStory struct {
	*testing.T
	b     *Browser
	g     *gateway.Gateway
	smtp  *servers.SMTP
	shoot func(string)
}

var (
	invitationLink = regexp.MustCompile(`http://localhost:\d+/_auth/invitations/\S+`)
	codeOfDomain   = regexp.MustCompile(`(?m)^([\w-]{43})\r?$`)
)

// TestOrganizationsStory walks through what people do with organizations, with
// scripts and without, and looks at each page in each language.
func TestOrganizationsStory(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			smtp := servers.StartSMTP(t, nil, "")
			g := gateway.Start(t, gateway.Config{
				Site:   "sigra {\npublic /public/*\n}\nsigra /team/* {\nrequire org\n}\nreverse_proxy {upstream}",
				Global: v.stores(t) + "orgs anyone\nmailer smtp " + smtp.Addr + " {\nfrom no-reply@example.com\ntls off\n}",
			})
			b, shoot := v.open(t)
			for _, email := range []string{"ada@example.com", "bob@example.com", "eve@acme.invalid"} {
				g.AddUser(email)
			}
			s := orgStory{t, b, g, smtp, shoot}
			s.found()
			s.invite()
			s.acceptAsBob()
			s.acceptAsGrace()
			s.manage()
			s.rules()
			s.domains()
			s.joinByAddress()
			s.choose()
			s.move()
			s.end()
			if v.scripts {
				s.letters()
			}
		})
	}
}

func (s orgStory) open(path string) { s.Helper(); s.b.Open(s.g.URL + "/_auth" + path) }
func (s orgStory) at(path string)   { s.Helper(); s.b.mustBeAt(s.g.URL + "/_auth" + path) }

func (s orgStory) signIn(email string) {
	s.Helper()
	s.b.Fill("#email", email)
	s.b.Fill("#password", gateway.Password)
	s.b.Press(".primary")
}

func (s orgStory) signOut() {
	s.Helper()
	s.open("/logout")
	s.b.Press(".primary")
}

func (s orgStory) found() {
	s.Helper()
	s.open("/account")
	s.signIn("ada@example.com")
	s.shoot("account-orgs")
	s.b.Press(`a[href$="/orgs"]`)
	s.shoot("orgs-none")
	s.b.Press(`a[href$="/orgs/new"]`)
	s.b.Fill("#slug", "Not a slug")
	s.b.Press(".primary")
	s.shoot("org-new-error")
	s.b.wantText("Please fill this in", "Bitte ausfüllen")
	s.b.Fill("#name", "Acme & Söhne")
	s.b.Fill("#slug", "acme")
	s.b.Press(".primary")
	s.at("/orgs/acme")
	s.shoot("org")
	s.b.wantText("Active", "Aktiv")
	s.b.Tap("summary")
	s.b.Press(".danger")
	s.shoot("org-last-owner")
	s.b.wantText("needs an owner", "braucht einen Inhaber")
}

func (s orgStory) invite() {
	s.Helper()
	s.open("/orgs/acme/invitations")
	s.b.Fill("#email", "nobody")
	s.b.Press(".primary")
	s.shoot("org-invitations-error")
	for _, who := range []string{"bob", "grace", "late"} {
		s.b.Fill("#email", who+"@example.com")
		s.b.Choose("#role", "member")
		s.b.Press(".primary")
		s.at("/orgs/acme/invitations?sent=1")
	}
	s.shoot("org-invitations")
	for _, email := range []string{"late@", "grace@", "bob@"} {
		if !strings.Contains(s.b.Text("main"), email) {
			s.Errorf("%s is not listed: %s", email, s.b.Text("main"))
		}
	}
	late := s.link("late", 1)
	s.b.Press(`button[aria-label*="late@example.com"]:not([aria-label*="again"]):not([aria-label*="Noch einmal"])`)
	s.at("/orgs/acme/invitations")
	s.signOut()
	s.b.Open(late)
	s.shoot("offer-revoked")
	s.b.wantText("was withdrawn", "zurückgezogen")
}

// link is the latest invitation of somebody.
func (s orgStory) link(who string, mails int) string {
	s.Helper()
	return invitationLink.FindString(s.smtp.Await(s, who+"@example.com", mails).Plain())
}

// acceptAsBob opens the link as somebody else first.
func (s orgStory) acceptAsBob() {
	s.Helper()
	link := s.link("bob", 1)
	s.open("/login")
	s.signIn("ada@example.com")
	s.b.Open(link)
	s.shoot("offer-other")
	s.b.wantText("for another address", "einer anderen Adresse")
	if text := s.b.Text("main"); strings.Contains(text, "Acme") || strings.Contains(text, "bob") {
		s.Errorf("it tells somebody else: %s", text)
	}
	s.b.Press(".primary")
	s.b.mustBeAt(link)
	s.shoot("offer-known")
	s.b.Press(".primary")
	s.signIn("bob@example.com")
	s.b.mustBeAt(link)
	s.shoot("offer-accept")
	s.b.wantText("Acme & Söhne", "Acme & Söhne")
	s.b.Press(".primary")
	s.at("/orgs/acme")
	s.shoot("org-member")
	s.open("/orgs/acme/members")
	s.shoot("org-403")
	s.b.wantText("Owner, Admin", "Inhaber, Admin")
	s.open("/orgs/foreign")
	s.b.wantText("Nothing here", "Hier ist nichts")
	s.signOut()
	s.b.Open(link)
	s.shoot("offer-accepted")
	s.b.wantText("accepted already", "schon angenommen")
}

func (s orgStory) acceptAsGrace() {
	s.Helper()
	s.b.Open(s.link("grace", 1))
	s.shoot("offer-new")
	s.b.Fill("#name", "Grace Hopper")
	s.b.Fill("#password", "short")
	s.b.Press(".primary")
	s.shoot("offer-new-error")
	s.b.Fill("#password", gateway.Password)
	s.b.Press(".primary")
	s.at("/orgs/acme")
	s.b.Open(s.g.URL + "/team/page")
	if told := s.g.Upstream.Last().Header; told.Get("Sigra-Org") != "acme" || told.Get("Remote-User") != "grace@example.com" {
		s.Errorf("the app was told %v", told)
	}
	s.signOut()
	s.open("/login")
	s.signIn("ada@example.com")
}

func (s orgStory) manage() {
	s.Helper()
	s.open("/orgs/acme/members")
	s.shoot("org-members")
	s.b.Fill("#q", "bob")
	s.b.Press(`form[role="search"] button`)
	if text := s.b.Text("main"); strings.Contains(text, "grace@") || !strings.Contains(text, "bob@") {
		s.Errorf("found %s", text)
	}
	s.b.Tap("summary")
	s.shoot("org-members-change")
	s.b.Choose("details select", "admin")
	s.b.Press("details button.quiet")
	s.at("/orgs/acme/members?q=bob&done=role_set")
	s.b.wantText("The role has been changed.", "Die Rolle ist geändert.")
	if text := s.b.Text(".badge"); text != "Admin" {
		s.Errorf("bob is %s", text)
	}
	s.open("/orgs/acme/members?q=grace")
	s.b.Tap("summary")
	s.b.Press("details .danger")
	s.shoot("org-members-none")
	s.b.wantText("No member found", "Niemand gefunden")
	s.open("/orgs/acme/activity")
	s.shoot("org-activity")
	s.b.wantText("From Member to Admin", "Von Mitglied zu Admin")
	s.open("/orgs/acme/settings")
	s.shoot("org-settings")
	s.b.Fill("#name", "Acme")
	s.b.Press(".primary")
	s.shoot("org-settings-saved")
	s.b.wantText("It is saved", "Gespeichert")
}

func (s orgStory) rules() {
	s.Helper()
	s.open("/orgs/acme/settings/rules")
	s.shoot("org-rules")
	s.b.wantText("Members without it: 2", "Mitglieder ohne sie: 2")
	s.b.Tap("input[name=two_step]")
	s.b.Press(".primary")
	s.shoot("org-rules-error")
	s.b.wantText("lock yourself out", "sperren Sie sich aus")
	s.b.Tap("input[name=two_step]")
	s.b.Choose("#max_age", "24h0m0s")
	s.b.Tap("input[name=method_password]")
	s.b.Press(".primary")
	s.at("/orgs/acme/settings?saved=1")
}

func (s orgStory) domains() {
	s.Helper()
	s.open("/orgs/acme/settings/domains")
	s.shoot("org-domains-none")
	s.b.Press(`a[href$="/domains/new"]`)
	s.b.Fill("#domain", "not a domain")
	s.b.Press(".primary")
	s.shoot("org-domain-error")
	s.b.Fill("#domain", "acme.invalid")
	s.b.Press(".primary")
	s.b.wantText("sigra-domain=", "sigra-domain=")
	s.b.Press(".primary")
	s.shoot("org-domains-unproven")
	s.b.wantText("not there yet", "noch nicht zu sehen")
	s.b.Tap("summary")
	s.b.Press("details .row button")
	s.shoot("org-domains-mailed")
	text := s.smtp.Await(s, "postmaster@acme.invalid", 1).Plain()
	s.b.Fill("details input[name=code]", "nonsense")
	s.b.Press("details form:last-of-type button")
	s.shoot("org-domains-wrong")
	s.b.Fill("details input[name=code]", codeOfDomain.FindStringSubmatch(text)[1])
	s.b.Press("details form:last-of-type button")
	s.shoot("org-domains")
	s.b.wantText("Verified on", "Bestätigt am")
}

// joinByAddress is about somebody whose address is in a domain that was proven.
func (s orgStory) joinByAddress() {
	s.Helper()
	s.signOut()
	s.open("/orgs")
	s.signIn("eve@acme.invalid")
	s.shoot("orgs-join")
	s.b.Press(`input[name=join] ~ button`)
	s.at("/orgs?asked=1")
	s.b.wantText("Requested", "Angefragt")
	s.shoot("orgs-asked")
	s.signOut()
	s.open("/orgs/acme/members")
	s.signIn("ada@example.com")
	s.shoot("org-members-requests")
	s.b.Press(`form[action$="/admit"] button`)
	s.at("/orgs/acme/members")
	s.open("/orgs/acme/members?q=eve")
	s.b.wantText("Member", "Mitglied")
}

// choose is about an app that has to know an organization.
func (s orgStory) choose() {
	s.Helper()
	s.open("/orgs/new")
	s.b.Fill("#name", "Second Company with a Very Long Name, Incorporated")
	s.b.Press(".primary")
	s.open("/orgs")
	s.shoot("orgs")
	s.open("/orgs?return_to=%2Fteam%2Fboard")
	s.shoot("orgs-picker")
	s.b.Press(`button[aria-label$=" Acme"]`)
	s.b.mustBeAt(s.g.URL + "/team/board")
	if told := s.g.Upstream.Last().Header; told.Get("Sigra-Org") != "acme" || told.Get("Sigra-Org-Role") != "owner" {
		s.Errorf("the app was told %v", told)
	}
}

func (s orgStory) move() {
	s.Helper()
	s.open("/orgs/acme/settings/slug")
	s.b.Fill("#slug", "acme-now")
	s.b.Fill("#typed", "not this")
	s.b.Press(".primary")
	s.shoot("org-slug-error")
	s.b.Fill("#typed", "acme")
	s.b.Press(".primary")
	s.at("/orgs/acme-now/settings?saved=1")
	s.open("/orgs/acme/members?q=bob")
	s.at("/orgs/acme-now/members?q=bob")
	s.open("/orgs/acme-now/settings/transfer")
	s.shoot("org-transfer")
	s.b.Press(".danger")
	s.shoot("org-transfer-error")
	s.b.Tap("input[type=radio]")
	s.b.Press(".danger")
	s.at("/orgs/acme-now?done=transferred")
	s.shoot("org-transferred")
	s.b.wantText("Admin", "Admin")
}

func (s orgStory) end() {
	s.Helper()
	s.signOut()
	s.open("/login")
	s.signIn("bob@example.com")
	s.open("/orgs/acme-now/settings/delete")
	s.b.Fill("#typed", "acme")
	s.b.Press(".danger")
	s.shoot("org-delete-error")
	s.b.Fill("#typed", "Acme")
	s.b.Press(".danger")
	s.at("/orgs?done=org_deleted")
	s.b.wantText("do not belong to an organization yet", "gehören noch zu keiner")
	s.open("/orgs/acme-now")
	s.b.wantText("Nothing here", "Hier ist nichts")
}

// letters looks at the mails.
func (s orgStory) letters() {
	s.Helper()
	everyLetter(s.T, s.b, s.smtp, 5)
}
