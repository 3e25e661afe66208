package signup

import (
	"errors"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
)

func TestWhichAddressesMaySignUp(t *testing.T) {
	domains := Rules{Mode: Domain, Domains: []string{"example.org", "intranet"}}
	for _, c := range []struct {
		rules Rules
		email string
		want  account.Problem
	}{
		{Rules{Mode: Open}, "ada@example.com", ""},
		{Rules{Mode: Open}, "ada@localhost", ""},
		{Rules{Mode: Open}, "ada@examplecom", account.ProblemEmail},
		{Rules{Mode: Open}, "ada@bücher", account.ProblemEmail},
		{Rules{Mode: Open}, "ada", ""}, // told with the other fields
		{domains, "ada@intranet", ""},
		{domains, "ada@example.com", account.ProblemEmailDomain},
		{domains, "ada@examplecom", account.ProblemEmailDomain},
	} {
		if got := c.rules.problem(c.email); got != c.want {
			t.Errorf("%s, %s: %q, want %q", c.rules.Mode, c.email, got, c.want)
		}
	}
}

func TestAMistypedDomainIsRefused(t *testing.T) {
	_, err := New(Deps{Rules: Rules{Mode: Open}}).SignUp(t.Context(), SignUp{Email: "ada@examplecom", Password: "a fine password"})
	var invalid *account.InvalidError
	if !errors.As(err, &invalid) || invalid.Fields["email"] != account.ProblemEmail {
		t.Errorf("%v", err)
	}
}

// drafts notes the account that it is asked to draft, and makes none.
type drafts struct {
	Accounts
	asked account.NewUser
}

var errNoDraft = errors.New("no draft")

func (d *drafts) Draft(in account.NewUser) (authcore.User, error) {
	d.asked = in
	return authcore.User{}, errNoDraft
}

// The language of an account is one that its user has chosen: a browser that signs up
// says no more than which it is.
func TestSigningUpChoosesNoLanguage(t *testing.T) {
	var d drafts
	in := SignUp{Email: "ada@example.com", Password: "a fine password", Client: authcore.Client{Language: "de"}}
	if _, err := New(Deps{Rules: Rules{Mode: Open}, Accounts: &d}).SignUp(t.Context(), in); !errors.Is(err, errNoDraft) {
		t.Fatal(err)
	}
	if d.asked.Email != in.Email || d.asked.Language != "" {
		t.Errorf("asked for %+v", d.asked)
	}
}
