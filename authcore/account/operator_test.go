package account_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
)

func TestDisableAndEnable(t *testing.T) {
	w := newWorld(t)
	user := w.add(t)
	first, err := w.signIn(ada, good)
	if err != nil {
		t.Fatal(err)
	}
	off, err := w.SetDisabled(t.Context(), user.ID, true)
	if err != nil || !off.Disabled() || off.AuthEpoch <= user.AuthEpoch {
		t.Fatalf("%+v, %v", off, err)
	}
	if _, err := w.sessions.Resume(t.Context(), first.Token); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("the session: %v", err)
	}
	if _, err := w.signIn(ada, good); err != account.ErrInvalidCredentials {
		t.Errorf("signing in: %v", err)
	}
	on, err := w.SetDisabled(t.Context(), user.ID, false)
	if err != nil || on.Disabled() {
		t.Fatalf("%+v, %v", on, err)
	}
	if _, err := w.sessions.Resume(t.Context(), first.Token); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("enabling has revived a session: %v", err)
	}
	if _, err := w.signIn(ada, good); err != nil {
		t.Errorf("signing in again: %v", err)
	}
	for _, disabled := range []bool{true, false} {
		if _, err := w.SetDisabled(t.Context(), "00000000-0000-7000-8000-000000000000", disabled); !errors.Is(err, authcore.ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
	}
	want := []string{"account.create", "auth.login.success", "account.disable", "auth.login.failure disabled", "account.enable", "auth.login.success"}
	if got := w.audited(t); !slices.Equal(got, want) {
		t.Errorf("audited %v", got)
	}
}

func TestSetPassword(t *testing.T) {
	w := newWorld(t)
	user := w.add(t)
	first, err := w.signIn(ada, good)
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]account.Problem{
		"": account.ProblemRequired, "tiny77x": account.ProblemTooShort, "password1": account.ProblemCommon,
		"ada@example.com": account.ProblemContext, strings.Repeat("x", 257): account.ProblemTooLong,
	} {
		var invalid *account.InvalidError
		if err := w.SetPassword(t.Context(), user, password); !errors.As(err, &invalid) || invalid.Fields["password"] != want {
			t.Errorf("%.20q: %v", password, err)
		} else if password != "" && strings.Contains(err.Error(), password) {
			t.Errorf("the error tells the password: %v", err)
		}
	}
	if _, err := w.sessions.Resume(t.Context(), first.Token); err != nil {
		t.Errorf("a refused password ended the session: %v", err)
	}
	if err := w.SetPassword(t.Context(), user, "another fine password"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.sessions.Resume(t.Context(), first.Token); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("the old session: %v", err)
	}
	if _, err := w.signIn(ada, good); err != account.ErrInvalidCredentials {
		t.Errorf("the old password: %v", err)
	}
	if _, err := w.signIn(ada, "another fine password"); err != nil {
		t.Errorf("the new password: %v", err)
	}
	if err := w.SetPassword(t.Context(), authcore.User{ID: "00000000-0000-7000-8000-000000000000"}, good); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

func TestAddRefuses(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		in    account.NewUser
		field string
		want  account.Problem
	}{
		"no address":       {account.NewUser{Email: "  ", Password: good}, "email", account.ProblemRequired},
		"not an address":   {account.NewUser{Email: "ada", Password: good}, "email", account.ProblemEmail},
		"NUL in address":   {account.NewUser{Email: "ada\x00@example.com", Password: good}, "email", account.ProblemEmail},
		"broken UTF-8":     {account.NewUser{Email: "ad\xff@example.com", Password: good}, "email", account.ProblemEmail},
		"header injection": {account.NewUser{Email: "ada@example.com\nBcc: b@c", Password: good}, "email", account.ProblemEmail},
		"long name":        {account.NewUser{Email: ada, Password: good, Name: strings.Repeat("é", 101)}, "name", account.ProblemNameTooLong},
		"no password":      {account.NewUser{Email: ada}, "password", account.ProblemRequired},
		"the own name":     {account.NewUser{Email: ada, Name: "Grace Hopper", Password: "hopper12"}, "password", account.ProblemContext},
		"the address":      {account.NewUser{Email: "countess@example.com", Password: "Countess1"}, "password", account.ProblemContext},
	} {
		var invalid *account.InvalidError
		if _, err := w.Add(t.Context(), c.in); !errors.As(err, &invalid) || len(invalid.Fields) != 1 || invalid.Fields[c.field] != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if users, err := w.Page(t.Context(), "", 10); err != nil || len(users) != 0 {
		t.Errorf("%d accounts, %v", len(users), err)
	}
}

// TestNamesArriveClean stores what a database or a page could choke on.
func TestNamesArriveClean(t *testing.T) {
	w := newWorld(t)
	for raw, want := range map[string]string{
		"Ada\x00\x01": "Ada", "\xff\xfeBob": "Bob", "\u202eeve\u202c": "eve", "A\r\nB": "A B", "\u200b\ufeff": "", "日本": "日本",
	} {
		user, err := w.Add(t.Context(), account.NewUser{Email: fmt.Sprintf("u%x@example.com", raw), Name: raw, Password: good})
		if err != nil {
			t.Fatal(err)
		}
		if stored, err := w.Find(t.Context(), user.ID); err != nil || stored.Name != want {
			t.Errorf("%+q is stored as %+q, %v", raw, stored.Name, err)
		}
	}
}

func TestPage(t *testing.T) {
	w := newWorld(t)
	var added []string
	for n := range 5 {
		added = append(added, w.add(t, func(u *account.NewUser) { u.Email = fmt.Sprintf("u%d@example.com", n) }).ID)
	}
	var seen []string
	for after := ""; ; {
		page, err := w.Page(t.Context(), after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, user := range page {
			after = user.ID
			seen = append(seen, user.ID)
		}
	}
	if slices.Sort(added); !slices.Equal(seen, added) {
		t.Errorf("pages hold %v, want %v", seen, added)
	}
}

func TestEndSessions(t *testing.T) {
	w := newWorld(t)
	user := w.add(t)
	bob := w.add(t, func(u *account.NewUser) { u.Email = "bob@example.com" })
	var open []account.SignedIn
	for range 3 {
		signedIn, err := w.signIn(ada, good)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, signedIn)
	}
	if _, err := w.End(t.Context(), bob.ID, open[0].Session.ID); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("ada's session as bob's: %v", err)
	}
	if n, err := w.End(t.Context(), user.ID, open[0].Session.ID); err != nil || n != 1 {
		t.Errorf("one: %d, %v", n, err)
	}
	if _, err := w.End(t.Context(), user.ID, open[0].Session.ID); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("the same again: %v", err)
	}
	if list, err := w.List(t.Context(), user.ID); err != nil || len(list) != 2 {
		t.Errorf("%d are left, %v", len(list), err)
	}
	if n, err := w.End(t.Context(), user.ID, ""); err != nil || n != 2 {
		t.Errorf("all: %d, %v", n, err)
	}
	for i, signedIn := range open {
		if _, err := w.sessions.Resume(t.Context(), signedIn.Token); !errors.Is(err, authcore.ErrNotFound) {
			t.Errorf("session %d: %v", i, err)
		}
	}
	if n, err := w.End(t.Context(), user.ID, ""); err != nil || n != 0 {
		t.Errorf("all again: %d, %v", n, err)
	}
}
