package address

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
)

// proven is an account whose owner is at the keyboard.
type proven struct{ Accounts }

func (proven) Reprove(context.Context, *session.Live, string, authcore.Client) (authcore.User, error) {
	return authcore.User{ID: "ada", EmailKey: "ada@example.com"}, nil
}

// judge is a Guard with a verdict for all.
type judge struct {
	throttle.Verdict
	err error
}

func (j judge) Mail(context.Context, string, string, string) (throttle.Verdict, error) {
	return j.Verdict, j.err
}

// TestAskSaysWhenToAskAgain: limits can be configured, so the guard alone knows.
func TestAskSaysWhenToAskAgain(t *testing.T) {
	for name, guard := range map[string]judge{
		"address": {Verdict: throttle.Verdict{RetryAfter: 40 * time.Minute}},
		"network": {err: &throttle.Exceeded{RetryAfter: 40 * time.Minute}},
	} {
		s := New(Deps{Accounts: proven{}, Guard: guard, Allows: func(account.Email) bool { return true }})
		err := s.Ask(t.Context(), new(session.Live), Change{Email: "ada@example.org"}, authcore.Client{IP: "192.0.2.1"})
		var throttled *account.ThrottledError
		if !errors.As(err, &throttled) || throttled.RetryAfter != 40*time.Minute {
			t.Errorf("limit of the %s: %v", name, err)
		}
	}
}
