package ui

import (
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/org"
	"github.com/sigra-auth/sigra/authcore/policy"
)

// keyUse finds the keys that templates and code name.
var keyUse = regexp.MustCompile(`\bt "([^"]+)"|messages\.text\("([^"]+)"|\bm\.text\("([^"]+)"`)

// usedKeys are the keys named in templates and code, with a place.
func usedKeys(t *testing.T) map[string]string {
	t.Helper()
	used := make(map[string]string)
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") || filepath.Ext(path) != ".go" && filepath.Ext(path) != ".html" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range keyUse.FindAllStringSubmatch(string(text), -1) {
			used[match[1]+match[2]+match[3]] = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return used
}

// composed are the keys that are put together: from the status of an error
// page, from a problem of the account service, from a condition of a policy.
func composed() (keys []string) {
	for _, kind := range []string{
		"401", "403", "404", "405", "409", "413", "415", "421", "422", "425", "429", "4xx", "503", "5xx", "cross_origin", "foreign_page",
	} {
		keys = append(keys, "problem."+kind+".title", "problem."+kind+".detail")
	}
	for _, kind := range []string{"magic", "reset", "confirm", "email", "keep"} {
		keys = append(keys, "problem.link."+kind+".detail")
	}
	for _, problem := range []account.Problem{
		account.ProblemRequired, account.ProblemEmail, account.ProblemTooShort, account.ProblemTooLong, account.ProblemCommon,
		account.ProblemContext, account.ProblemWrongPassword, account.ProblemNameTooLong, account.ProblemEmailDomain, account.ProblemWrongCode, account.ProblemCodeSpent,
		account.ProblemEmailSame, account.ProblemValue, account.ProblemValueTooLong,
	} {
		keys = append(keys, "field."+string(problem))
	}
	for _, condition := range []policy.Condition{policy.MissingEmailDomain, policy.MissingRole, policy.MissingOrg} {
		keys = append(keys, "missing_"+string(condition))
	}
	for _, problem := range []account.Problem{
		org.ProblemNameLink, org.ProblemSlug, org.ProblemSlugUsed, org.ProblemTyped, org.ProblemRole, org.ProblemDomain, org.ProblemLockout, org.ProblemAge, org.ProblemMethods,
	} {
		keys = append(keys, "field."+string(problem))
	}
	for _, reason := range []string{"expired", "revoked", "accepted", "other_address", "changed", "replaced"} {
		keys = append(keys, "org_activity.reason."+reason)
	}
	for _, role := range org.DefaultConfig().Roles.All {
		keys = append(keys, "role."+role)
	}
	for _, kind := range org.RuleMethods {
		keys = append(keys, "org_rules.method."+string(kind))
	}
	for _, kind := range mail.Kinds {
		keys = append(keys, "mail."+string(kind)+".subject", "mail."+string(kind)+".text", "mail."+string(kind)+".after")
		if kind != mail.Locked && kind != mail.EmailChanged && kind != mail.Deleted && kind != mail.OrgDomain {
			keys = append(keys, "mail."+string(kind)+".button")
		}
	}
	for _, action := range audit.Actions {
		if action != audit.KeyRotate { // it is about no user
			keys = append(keys, "activity."+string(action))
		}
	}
	for _, what := range []string{"signed_out", "device_out", "others_out", "passkey_added", "distrusted", "role_set", "member_removed", "transferred", "org_deleted"} {
		keys = append(keys, "done."+what)
	}
	return append(keys, "problem.link.title", "missing_org_any", "missing_roles", "missing_org_role", "missing_org_roles", "org.members_count", "org.requests_count", "org_rules.affected", "layout.language")
}

func english(t testing.TB) messages {
	t.Helper()
	l, err := loadLanguages("")
	if err != nil {
		t.Fatal(err)
	}
	return l.of("en")
}

func TestEveryMessageExistsAndIsUsed(t *testing.T) {
	m := english(t)
	used := usedKeys(t)
	if len(used) < 30 {
		t.Fatalf("found %d uses only", len(used))
	}
	for key, path := range used {
		if _, ok := m[key]; !ok && !strings.HasSuffix(key, ".") { // the beginning of a composed one
			t.Errorf("%s: there is no message %q", path, key)
		}
	}
	for _, key := range composed() {
		if _, ok := m[key]; !ok {
			t.Errorf("there is no message %q", key)
		}
		used[key] = "composed"
	}
	for key := range m {
		if _, ok := used[key]; !ok {
			t.Errorf("nothing shows the message %q", key)
		}
	}
}

// sameInBoth are the messages that German has from English, or the other way.
var sameInBoth = []string{"field.name", "account.admin", "role.admin", "org_domains.title", "org_domains.domain", "org_rules.method.passkey"}

func TestEveryLanguageIsComplete(t *testing.T) {
	l, err := loadLanguages("")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(l.tags, []string{"en", "de"}) {
		t.Errorf("languages are %v", l.tags)
	}
	for tag, m := range l.texts {
		for _, err := range []error{m.covers(l.of("en")), l.of("en").covers(m)} {
			if err != nil {
				t.Errorf("%s: %v", tag, err)
			}
		}
		if m["layout.lang"] != tag {
			t.Errorf("%s calls itself %q", tag, m["layout.lang"])
		}
		for key, text := range m {
			if tag != "en" && text == l.of("en")[key] && !slices.Contains(sameInBoth, key) {
				t.Errorf("%s: %s is not translated: %q", tag, key, text)
			}
		}
	}
}

func TestLanguageOfAVisitor(t *testing.T) {
	p := newPortal(t)
	for header, title := range map[string]string{
		"": "<h1>Sign in</h1>", "de-AT,de;q=0.9,en;q=0.5": "<h1>Anmelden</h1>", "fr,de;q=0.3": "<h1>Anmelden</h1>", "fr": "<h1>Sign in</h1>",
		"en;q=0.1,de;q=0.9": "<h1>Anmelden</h1>", ";;;": "<h1>Sign in</h1>", strings.Repeat("de,", 100): "<h1>Sign in</h1>",
	} {
		want(t, p.get("/_auth/login", "Accept-Language", header), 200, title)
	}
	p.sessions.live.Identity.Language = "de"
	w := p.get("/_auth/account", "Cookie", cookieLine(), "Accept-Language", "en")
	want(t, w, 200, `<html lang="de">`, "Dieses Gerät")
	wantHeader(t, w, "Content-Language", "de")
	want(t, p.get("/_auth/none", "Accept-Language", "de"), 404, "Hier ist nichts")
	p.post("/_auth/register", url.Values{"email": {"a@example.com"}}, "Accept-Language", "de")
	if p.signups.signUp.Client.Language != "de" {
		t.Errorf("the language of a sign-up is %q", p.signups.signUp.Client.Language)
	}
}

func TestOperatorsLanguage(t *testing.T) {
	l, err := loadLanguages("")
	if err != nil {
		t.Fatal(err)
	}
	french, err := json.Marshal(l.of("en"))
	if err != nil {
		t.Fatal(err)
	}
	dir := writeFile(t, "fr.json", strings.Replace(string(french), `"login.title":"Sign in"`, `"login.title":"Connexion"`, 1))
	p := newPortal(t, func(o *Options) { o.MessagesDir = dir })
	want(t, p.get("/_auth/login", "Accept-Language", "fr-CA"), 200, "<h1>Connexion</h1>")
	for file, message := range map[string]string{"fr.json": "there is no message", "french!.json": "BCP 47"} {
		_, err := New(Options{MessagesDir: writeFile(t, file, `{"login.title": "Connexion"}`)})
		if err == nil || !strings.Contains(err.Error(), message) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestPlaceholdersAreFilled(t *testing.T) {
	p := newPortal(t)
	p.accounts.list = twoSessions()
	for _, path := range []string{"/_auth/login", "/_auth/account", "/_auth/account/sessions", "/_auth/setup/x", "/_auth/step-up", "/_auth/logout", "/_auth/none"} {
		for _, cookie := range []string{"", cookieLine()} {
			if found := placeholder.FindString(p.get(path, "Cookie", cookie).Body.String()); found != "" {
				t.Errorf("%s shows %s", path, found)
			}
		}
	}
}

func TestTextOfAMissingKey(t *testing.T) {
	m := messages{"a": "{x} and {y}"}
	if got := m.text("a", "x", "1", "y", "2"); got != "1 and 2" {
		t.Errorf("%q", got)
	}
	if got := m.text("b"); got != "b" {
		t.Errorf("%q", got)
	}
	if _, err := m.require("b"); err == nil || !strings.Contains(err.Error(), `"b"`) {
		t.Errorf("%v", err)
	}
}

func writeFile(t *testing.T, name, text string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestOperatorsMessages(t *testing.T) {
	dir := writeFile(t, "en.json", `{"login.title": "Anmelden <b>", "layout.lang": "de"}`)
	p := newPortal(t, func(o *Options) { o.MessagesDir = dir })
	want(t, p.get("/_auth/login"), 200, `<html lang="de">`, "<h1>Anmelden &lt;b&gt;</h1>", "Keep me signed in")
}

func TestBrokenMessages(t *testing.T) {
	for text, message := range map[string]string{
		"{\n\"login.title\": \"x\",\n}":   "en.json:3:",
		"{\n\"login.title\": 7}":          "en.json:2:",
		`{"login.titel": "x"}`:            `there is no message "login.titel"`,
		`{"time.hours": "vor {hours} h"}`: `"time.hours" has no placeholder {hours}`,
		`["x"]`:                           "en.json:1:",
		``:                                "en.json:1:",
	} {
		_, err := loadLanguages(writeFile(t, "en.json", text))
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %v, want %s", text, err, message)
		}
	}
	if _, err := loadLanguages(t.TempDir()); err == nil || !strings.Contains(err.Error(), "en.json") {
		t.Errorf("an empty directory: %v", err)
	}
}
