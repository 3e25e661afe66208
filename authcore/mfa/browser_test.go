package mfa_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/mfa"
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
	if _, err := w.Offer(t.Context(), live, client.RPID); !errors.As(err, &stale) || !slices.Equal(stale.Wanted, authcore.SecondFactors) {
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

func TestOneStepSitesDoNotAsk(t *testing.T) {
	w := newWorld(t)
	w.enroll()
	oneStep := client
	oneStep.OneStep = true
	if live := w.ByPassword(ada, oneStep); live.Identity.Pending || live.Identity.Trusted || live.Identity.Level != authcore.AAL1 {
		t.Errorf("%+v", live.Identity)
	}
}
