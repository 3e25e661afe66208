package mfa_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/mfa"
	"github.com/sigra-auth/sigra/authcore/password"
	"github.com/sigra-auth/sigra/authcore/policy"
	"github.com/sigra-auth/sigra/authcore/session"
)

func TestTrustedBrowser(t *testing.T) {
	w := newWorld(t)
	key, _, _ := w.enroll()
	signedIn, err := w.Prove(t.Context(), w.ByPassword(ada, client), mfa.Attempt{Code: w.code(key), Trust: true, Client: client})
	w.Check(err)
	trusting := client
	trusting.Trust = []string{"garbage", signedIn.Trust}
	live := w.ByPassword(ada, trusting)
	if live.Identity.Pending || !live.Identity.Trusted || live.Identity.Level != authcore.AAL1 {
		t.Fatalf("at a trusted browser: %+v", live.Identity)
	}
	list, err := w.Accounts.Browsers(t.Context(), live)
	if err != nil || len(list) != 1 || list[0].UserAgent != "test" || list[0].IP != client.IP {
		t.Errorf("the list: %+v, %v", list, err)
	}
	// It is no proof: a change of the factors asks for one.
	var stale *account.StaleError
	if _, err := w.Offer(t.Context(), live); !errors.As(err, &stale) || !slices.Equal(stale.Wanted, authcore.SecondFactors) {
		t.Errorf("another app, from a trusted browser: %v", err)
	}
	if err := w.TurnOff(t.Context(), live, client); !errors.As(err, &stale) {
		t.Errorf("turning off, from a trusted browser: %v", err)
	}
	if _, err := w.Accounts.ChangePassword(t.Context(), live, account.PasswordChange{Current: good, Password: "another long phrase"}, client); !errors.As(err, &stale) {
		t.Errorf("a new password, from a trusted browser: %v", err)
	}
	grace := w.Add("grace@example.com")
	theirs := w.ByPassword(grace.Email, trusting)
	if err := w.Accounts.DistrustBrowsers(t.Context(), theirs, list[0].ID, client); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("the browser of somebody else: %v", err)
	}
	for name, end := range map[string]func(){
		"time":         func() { w.Pass(30 * 24 * time.Hour) },
		"new password": func() { w.Check(w.Accounts.SetPassword(t.Context(), w.User, good)) },
		"distrust": func() {
			w.Check(w.Accounts.DistrustBrowsers(t.Context(), live, "", client))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w.Pass(time.Minute)
			signedIn, err := w.Prove(t.Context(), w.ByPassword(ada, client), mfa.Attempt{Code: w.code(key), Trust: true, Client: client})
			w.Check(err)
			trusting.Trust = []string{signedIn.Trust}
			if w.ByPassword(ada, trusting).Identity.Pending {
				t.Fatal("it is not trusted at first")
			}
			end()
			if !w.ByPassword(ada, trusting).Identity.Pending {
				t.Error("it is trusted still")
			}
		})
	}
}

// TestTrustEndsInOpenSessions: whoever has come in by a trusted browser has no
// second factor once the trust is gone, however long the session is remembered.
func TestTrustEndsInOpenSessions(t *testing.T) {
	for name, end := range map[string]func(*world, *session.Live) error{
		"distrust": func(w *world, live *session.Live) error {
			return w.Accounts.DistrustBrowsers(t.Context(), live, "", client)
		},
		"two-step turned off": func(w *world, live *session.Live) error { return w.TurnOff(t.Context(), live, client) },
	} {
		w := newWorld(t)
		key, _, _ := w.enroll()
		signedIn, err := w.Prove(t.Context(), w.ByPassword(ada, client), mfa.Attempt{Code: w.code(key), Trust: true, Client: client})
		w.Check(err)
		trusting := client
		trusting.Trust = []string{signedIn.Trust}
		again, err := w.Accounts.SignIn(t.Context(), account.SignIn{Email: ada, Password: good, Remember: true, Client: trusting})
		w.Check(err)
		if !w.Live(again).Identity.Trusted {
			t.Fatal("it is not trusted at first")
		}
		w.Check(end(w, w.Live(signedIn)))
		if w.Live(again).Identity.Trusted {
			t.Errorf("%s: an open session is trusted still", name)
		}
		if !w.Promised(account.RefreshSessionsJob) {
			t.Errorf("%s: nothing sees to it", name)
		}
	}
}

// TestOneStepSitesDoNotAsk, and the session says so until a second factor is given or
// there is none.
func TestOneStepSitesDoNotAsk(t *testing.T) {
	w := newWorld(t)
	key, _, live := w.enroll()
	oneStep := client
	oneStep.OneStep = true
	skipped := w.ByPassword(ada, oneStep)
	if id := skipped.Identity; id.Pending || id.Trusted || id.Level != authcore.AAL1 || !id.Skipped {
		t.Errorf("%+v", id)
	}
	if d := policy.Decide(&policy.Need{}, policy.Place{}, &skipped.Identity, w.Now()); d.Outcome != policy.StepUp {
		t.Errorf("at a site that asks for a second factor: %+v", d)
	}
	if d := policy.Decide(&policy.Need{OneStep: true}, policy.Place{}, &skipped.Identity, w.Now()); d.Outcome != policy.Allow {
		t.Errorf("at the site itself: %+v", d)
	}
	var stale *account.StaleError
	if err := w.TurnOff(t.Context(), skipped, client); !errors.As(err, &stale) {
		t.Errorf("turned off without a second factor: %v", err)
	}
	proven := mustProve(t, w, skipped, w.code(key))
	if id := w.Live(proven).Identity; policy.Decide(&policy.Need{}, policy.Place{}, &id, w.Now()).Outcome != policy.Allow {
		t.Errorf("after the second factor: %+v", id)
	}
	other, err := w.Accounts.SignIn(t.Context(), account.SignIn{Email: ada, Password: good, Client: oneStep})
	w.Check(err)
	w.Check(w.TurnOff(t.Context(), live, client))
	if w.Live(other).Identity.Skipped {
		t.Error("a second factor that there is not is missed")
	}
	w2 := newWorld(t)
	if w2.ByPassword(ada, oneStep).Identity.Skipped {
		t.Error("a user without a second factor has skipped one")
	}
}

// withdrawing are trusted browsers; the trust ends right after it was read.
type withdrawing struct {
	account.BrowserStore
	end func()
}

func (b withdrawing) Browser(ctx context.Context, hash []byte, at time.Time) (account.Browser, error) {
	found, err := b.BrowserStore.Browser(ctx, hash, at)
	b.end()
	return found, err
}

// TestTrustEndsDuringSignIn: the refresh of sessions that goes with it came before the
// session was stored, which must not keep it.
func TestTrustEndsDuringSignIn(t *testing.T) {
	w := newWorld(t)
	_, codes, owner := w.enroll()
	trusted, err := w.Prove(t.Context(), w.ByPassword(ada, client), mfa.Attempt{Code: codes[0], Trust: true, Client: client})
	w.Check(err)
	browsers := withdrawing{w.DB, sync.OnceFunc(func() { w.Check(w.Accounts.DistrustBrowsers(t.Context(), owner, "", client)) })}
	accounts := account.New(account.Deps{
		Users: w.DB, Ledger: w.DB, Browsers: browsers, Orgs: w.DB.Orgs(), Sessions: w.Sessions, Guard: w.Guard,
		Passwords: password.NewHasher(password.Params{Memory: 64, Time: 1, Threads: 1}, password.Limits{}),
		Sealer:    w.Box, Events: w.World, Clock: w.Now, Logger: slog.New(slog.DiscardHandler),
	})
	there := client
	there.Trust = []string{trusted.Trust}
	signedIn, err := accounts.SignIn(t.Context(), account.SignIn{Email: ada, Password: good, Client: there})
	w.Check(err)
	if id := w.Live(signedIn).Identity; id.Trusted || !id.Pending {
		t.Errorf("trusted %v, pending %v", id.Trusted, id.Pending)
	}
}
