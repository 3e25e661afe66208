package ui

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/sigra-auth/sigra/authcore/org"
)

// route is one page: what it does for a GET and for a POST.
type route struct {
	get, post func(*visit) error
	who       audience
	// held marks a page of members that those who wait for something see too.
	held bool
	// raw marks an endpoint that is sent JSON which is not a form.
	raw bool
	// program marks an endpoint that answers in JSON, whoever asks.
	program bool
	// owners marks what an organization lets nobody do but owners.
	owners bool
}

// audience says what a page needs to know of its visitor.
type audience int

const (
	// anyone may see the page, which reads no session: no store is asked.
	anyone audience = iota
	// visitors are signed in or not; the page tells the difference.
	visitors
	// members are signed in; others are led to sign-in.
	members
	// halfway are those who have given the first of two factors.
	halfway
)

const (
	setUpPrefix      = "/setup/"
	magicPrefix      = "/magic/"
	confirmPrefix    = "/confirm/"
	resetPrefix      = "/reset/"
	emailPrefix      = "/account/email/"
	keepPrefix       = "/keep-email/"
	invitationPrefix = "/invitations/"
	resendPrefix     = "/resend/"
	mailboxPrefix    = "/dev/mailbox/"
	assetPrefix      = "/assets/"
	orgPrefix        = "/orgs/"
)

// secretPrefixes are those of pages whose path is a secret: it is kept out of
// logs and of the Referer.
var secretPrefixes = []string{
	setUpPrefix, magicPrefix, confirmPrefix, resetPrefix, emailPrefix, keepPrefix, invitationPrefix, resendPrefix,
}

// IsSecret reports whether an address holds a secret of the portal at a base path,
// which must not be written to a log: as its path, or as a path to return to.
func IsSecret(u *url.URL, base string) bool {
	for !isSecretPath(u.Path, base) {
		if !strings.Contains(u.RawQuery, "return_to") {
			return false
		}
		next, err := url.Parse(u.Query().Get("return_to")) // which is shorter
		if err != nil {
			return false
		}
		u = next
	}
	return true
}

func isSecretPath(path, base string) bool {
	below, ok := strings.CutPrefix(path, base)
	return ok && secretPrefix(below) != ""
}

// secretPrefix returns the prefix of a page whose path is a secret, or nothing.
func secretPrefix(path string) string {
	for _, prefix := range secretPrefixes {
		if strings.HasPrefix(path, prefix) {
			return prefix
		}
	}
	return ""
}

// routes are the pages by their path below the portal's.
var routes = map[string]route{
	"/":                               {get: (*visit).showAccount, who: members},
	"/account":                        {get: (*visit).showAccount, who: members},
	"/account/sessions":               {get: (*visit).showSessions, who: members},
	"/account/sessions/revoke":        {post: (*visit).revokeSession, who: members},
	"/account/sessions/revoke-others": {post: (*visit).revokeOthers, who: members},
	"/login":                          {get: (*visit).showLogin, post: (*visit).login, who: visitors},
	"/account/profile":                {get: (*visit).showProfile, post: (*visit).saveProfile, who: members},
	"/account/password":               {get: (*visit).showPassword, post: (*visit).changePassword, who: members},
	"/account/email":                  {get: (*visit).showEmail, post: (*visit).askEmail, who: members},
	"/account/email-withdraw":         {post: (*visit).withdrawEmail, who: members},
	"/account/activity":               {get: (*visit).showActivity, who: members},
	"/account/data":                   {get: (*visit).showData, post: (*visit).exportData, who: members},
	"/account/delete":                 {get: (*visit).showDelete, post: (*visit).deleteAccount, who: members},
	"/reactivate":                     {get: (*visit).showReactivate, post: (*visit).reactivate, who: members, held: true},
	"/register":                       {get: (*visit).showRegister, post: (*visit).register, who: visitors},
	"/confirm":                        {get: (*visit).showConfirm, post: (*visit).confirmCode, who: visitors},
	"/confirm/resend":                 {post: (*visit).resend, who: visitors},
	"/magic":                          {get: (*visit).showMagic, post: (*visit).askMagic, who: visitors},
	"/reset":                          {get: (*visit).showReset, post: (*visit).askReset, who: visitors},
	"/waiting":                        {get: (*visit).showWaiting, who: members, held: true},
	"/mfa":                            {get: (*visit).showChallenge, post: (*visit).answerChallenge, who: halfway},
	"/mfa/backup":                     {get: (*visit).showChallenge, post: (*visit).answerChallenge, who: halfway},
	"/account/mfa":                    {get: (*visit).showTwoStep, who: members},
	"/account/mfa/app":                {get: (*visit).showApp, post: (*visit).enroll, who: members},
	"/account/mfa/off":                {post: (*visit).turnOff, who: members},
	"/account/mfa/codes":              {post: (*visit).replaceCodes, who: members},
	"/account/mfa/passkeys":           {post: (*visit).usePasskeys, who: members},
	"/account/passkeys":               {get: (*visit).showPasskeys, post: (*visit).addPasskey, who: members, raw: true},
	"/account/passkeys/options":       {post: (*visit).askToAdd, who: members, program: true},
	"/account/passkeys/rename":        {post: (*visit).renamePasskey, who: members},
	"/account/passkeys/delete":        {post: (*visit).removePasskey, who: members},
	"/passkey/login/options":          {post: (*visit).askToSignInByPasskey, program: true},
	"/passkey/login":                  {post: (*visit).signInByPasskey, who: visitors, raw: true, program: true},
	"/mfa/passkey/options":            {post: (*visit).askForPasskey, who: halfway, program: true},
	"/mfa/passkey":                    {post: (*visit).proveByPasskey, who: halfway, raw: true, program: true},
	"/step-up/passkey/options":        {post: (*visit).askForPasskey, who: members, program: true},
	"/step-up/passkey":                {post: (*visit).proveByPasskey, who: members, raw: true, program: true},
	"/account/mfa/browsers/remove":    {post: (*visit).distrust, who: members},
	"/logout":                         {get: (*visit).showLogout, post: (*visit).logout, who: visitors},
	"/step-up":                        {get: (*visit).showStepUp, post: (*visit).stepUp, who: members},
	"/whoami":                         {get: (*visit).whoami, who: visitors, program: true},
	"/jwks.json":                      {get: (*visit).jwks, program: true},
	"/healthz":                        {get: (*visit).healthz, program: true},
	setUpPrefix:                       {get: (*visit).showSetUp, post: (*visit).setUp, who: visitors},
	confirmPrefix:                     {get: (*visit).showConfirmLink, post: (*visit).confirmLink, who: visitors},
	magicPrefix:                       {get: (*visit).showMagicLink, post: (*visit).useMagicLink, who: visitors},
	resetPrefix:                       {get: (*visit).showResetLink, post: (*visit).useResetLink, who: visitors},
	emailPrefix:                       {get: (*visit).showEmailLink, post: (*visit).confirmEmail, who: members},
	keepPrefix:                        {get: (*visit).showKeepEmail, post: (*visit).keepEmail, who: visitors},
	invitationPrefix:                  {get: (*visit).showInvitation, post: (*visit).acceptInvitation, who: visitors},
	"/orgs":                           {get: (*visit).showOrgs, post: (*visit).joinOrg, who: members},
	"/orgs/new":                       {get: (*visit).showNewOrg, post: (*visit).createOrg, who: members},
	"/orgs/switch":                    {post: (*visit).switchOrg, who: members},
	resendPrefix:                      {get: (*visit).showKept, who: members},
	"/dev/mailbox":                    {get: (*visit).showMailbox},
	mailboxPrefix:                     {get: (*visit).showMail},
	assetPrefix:                       {get: (*visit).asset},
}

// orgRoutes are the pages of one organization by their path below its own.
var orgRoutes = map[string]route{
	"":                         {get: (*visit).showOrg, who: members},
	"/leave":                   {post: (*visit).leaveOrg, who: members},
	"/members":                 {get: (*visit).showMembers, who: members},
	"/members/role":            {post: (*visit).setMemberRole, who: members},
	"/members/remove":          {post: (*visit).removeMember, who: members},
	"/members/admit":           {post: (*visit).admitMember, who: members},
	"/members/refuse":          {post: (*visit).refuseMember, who: members},
	"/invitations":             {get: (*visit).showInvitations, post: (*visit).invite, who: members},
	"/invitations/revoke":      {post: (*visit).revokeInvitation, who: members},
	"/invitations/resend":      {post: (*visit).resendInvitation, who: members},
	"/activity":                {get: (*visit).showOrgActivity, who: members},
	"/settings":                {get: (*visit).showOrgSettings, post: (*visit).renameOrg, who: members, owners: true},
	"/settings/slug":           {get: (*visit).showOrgSlug, post: (*visit).changeSlug, who: members, owners: true},
	"/settings/rules":          {get: (*visit).showRules, post: (*visit).setRules, who: members, owners: true},
	"/settings/transfer":       {get: (*visit).showTransfer, post: (*visit).transferOrg, who: members, owners: true},
	"/settings/delete":         {get: (*visit).showOrgDelete, post: (*visit).deleteOrg, who: members, owners: true},
	"/settings/domains":        {get: (*visit).showDomains, who: members, owners: true},
	"/settings/domains/new":    {get: (*visit).showNewDomain, post: (*visit).addDomain, who: members, owners: true},
	"/settings/domains/check":  {post: (*visit).checkDomain, who: members, owners: true},
	"/settings/domains/mail":   {post: (*visit).mailDomain, who: members, owners: true},
	"/settings/domains/code":   {post: (*visit).proveDomain, who: members, owners: true},
	"/settings/domains/remove": {post: (*visit).removeDomain, who: members, owners: true},
}

// find returns the route of a path; those that end in a slash own what is
// below them.
func find(path string) (route, bool) {
	if r, ok := routes[path]; ok && !strings.HasSuffix(path, "/") {
		return r, true
	}
	if below, ok := strings.CutPrefix(path, orgPrefix); ok {
		return findOrg(below)
	}
	for _, prefix := range append([]string{assetPrefix, mailboxPrefix}, secretPrefixes...) {
		if strings.HasPrefix(path, prefix) && len(path) > len(prefix) {
			return routes[prefix], true
		}
	}
	r, ok := routes[path]
	return r, ok && path == "/"
}

// findOrg returns the route of a page of an organization. What cannot be a slug
// is asked of no store.
func findOrg(below string) (route, bool) {
	slug, _, _ := strings.Cut(below, "/")
	r, ok := orgRoutes[strings.TrimPrefix(below, slug)]
	return r, ok && org.ValidSlug(slug)
}

// action returns what a route does for a method; nil when it does nothing.
func (r route) action(method string) func(*visit) error {
	switch method {
	case http.MethodGet, http.MethodHead:
		return r.get
	case http.MethodPost:
		return r.post
	default:
		return nil
	}
}

// methods lists what a route answers, for the Allow header.
func (r route) methods() string {
	var methods []string
	if r.get != nil {
		methods = append(methods, http.MethodGet, http.MethodHead)
	}
	if r.post != nil {
		methods = append(methods, http.MethodPost)
	}
	return strings.Join(methods, ", ")
}

// formPage returns the page that shows the form which is sent to a path: its own,
// or the nearest above.
func formPage(sent string) string {
	for {
		if r, found := find(sent); found && r.get != nil {
			return sent
		}
		sent = path.Dir(sent)
	}
}
