package passkey_test

import (
	"slices"
	"testing"

	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/passkey"
	"github.com/sigra-auth/sigra/authcore/session"
)

func TestSignCount(t *testing.T) {
	for policy, test := range map[passkey.CountPolicy]struct {
		err  error
		left int
	}{passkey.CountWarn: {nil, 1}, passkey.CountReauth: {passkey.ErrCopied, 1}, passkey.CountRevoke: {passkey.ErrCopied, 0}} {
		t.Run(string(policy), func(t *testing.T) {
			w := newWorld(t, policy)
			a := w.owned()
			a.Count = 10
			clone := w.byKey(a)
			a.Count = 9 // the copy was used less
			_, err := w.signIn(a)
			wantError(t, "the counter goes back", err, test.err)
			if !slices.Contains(w.Trail(), audit.PasskeyRegression) {
				t.Errorf("trail %v", w.Trail())
			}
			list, err := w.Store.Passkeys(t.Context(), w.User.ID)
			w.Check(err)
			if len(list) != test.left || test.left == 1 && list[0].SignCount != 10 {
				t.Errorf("left: %+v", list)
			}
			left, err := w.Sessions.List(t.Context(), w.User.ID)
			w.Check(err)
			if open := slices.ContainsFunc(left, func(s session.Session) bool { return s.ID == clone.ID }); open == (policy == passkey.CountRevoke) {
				t.Errorf("the session of before is open: %v", open)
			}
			if got := w.Letters(); slices.Contains(got, mail.PasskeyRevoked) != (policy == passkey.CountRevoke) || slices.Contains(got, mail.PasskeyCopied) != (policy == passkey.CountReauth) {
				t.Errorf("mails %v", got)
			}
			if revoked := w.Emitted(events.PasskeyRemoved); revoked != w.Promised(account.EndSessionsJob) || revoked != (policy == passkey.CountRevoke) {
				t.Errorf("told of a removal: %v", revoked)
			}
			live := w.ByPassword(ada, client)
			asked, err := w.Prove(t.Context(), live, rp)
			if test.left == 0 {
				wantError(t, "none is left", err, passkey.ErrUnknown)
				return
			}
			w.Check(err)
			_, err = w.FinishProof(t.Context(), live, rp, passkey.Attempt{Response: a.Get(asked), Client: client})
			wantError(t, "the copy as a proof", err, test.err)
		})
	}
}

func TestNoCounterIsNoCopy(t *testing.T) {
	w := newWorld(t, passkey.CountRevoke)
	a := w.owned()
	for range 3 {
		if _, err := w.signIn(a); err != nil {
			t.Fatal(err)
		}
	}
}
