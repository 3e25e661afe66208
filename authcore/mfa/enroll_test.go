package mfa_test

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/mail"
)

func TestEnroll(t *testing.T) {
	w := newWorld(t)
	key, codes, live := w.enroll()
	if live.Identity.Level != authcore.AAL2 || !slices.Equal(live.Identity.Methods(), []string{"pwd", "otp", "mfa"}) {
		t.Errorf("the session: %s by %v", live.Identity.Level, live.Identity.Methods())
	}
	if len(codes) != 8 || slices.ContainsFunc(codes, func(c string) bool { return !regexp.MustCompile(`^\d{4}-\d{4}$`).MatchString(c) }) {
		t.Errorf("backup codes: %v", codes)
	}
	factors, err := w.Factors(t.Context(), live, client.RPID)
	w.Check(err)
	if !factors.Password || factors.TwoStepAt.IsZero() || factors.Codes != 8 || factors.Passkeys != 0 || bytes.Contains(factors.Secret, key) {
		t.Errorf("%+v", factors)
	}
	if !slices.Contains(w.Letters(), mail.TwoStepOn) || !slices.Contains(w.Trail(), audit.TwoStepEnroll) || !w.Emitted(events.TwoStepOn) {
		t.Errorf("mails %v, trail %v", w.Letters(), w.Trail())
	}
}

func TestEnrollRefuses(t *testing.T) {
	w := newWorld(t)
	live := w.ByPassword(ada, client)
	offer, err := w.Offer(t.Context(), live)
	w.Check(err)
	if _, err := w.Enroll(t.Context(), live, offer.Sealed, "000000x", client); !isWrong(err) {
		t.Errorf("a wrong code: %v", err)
	}
	other := w.ByPassword(ada, client)
	if _, err := w.Enroll(t.Context(), other, offer.Sealed, w.code(offer.Secret), client); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("the offer of another session: %v", err)
	}
	for _, sealed := range []string{"", "x", "!", offer.Sealed[:40], strings.Repeat("A", 200)} {
		if _, err := w.Enroll(t.Context(), live, sealed, w.code(offer.Secret), client); !errors.Is(err, authcore.ErrNotFound) {
			t.Errorf("%.20q as an offer: %v", sealed, err)
		}
	}
	w.Pass(14 * time.Minute)
	if _, err := w.Offer(t.Context(), live); err != nil {
		t.Errorf("14 minutes after signing in: %v", err)
	}
	w.Pass(2 * time.Minute)
	var stale *account.StaleError
	if _, err := w.Offer(t.Context(), live); !errors.As(err, &stale) || len(stale.Wanted) > 0 {
		t.Errorf("16 minutes after signing in: %v", err)
	}
	if _, err := w.Enroll(t.Context(), live, offer.Sealed, w.code(offer.Secret), client); !errors.As(err, &stale) {
		t.Errorf("16 minutes after signing in: %v", err)
	}
	if !slices.Contains(w.Trail(), audit.TwoStepEnrollFail) {
		t.Errorf("trail %v", w.Trail())
	}
}
