package passkey_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/passkey"
	"github.com/sigra-auth/sigra/tests/fixture"
)

func TestManage(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	live, ref := w.byKey(a), fixture.B64.EncodeToString(a.ID)
	w.Check(w.Rename(t.Context(), live, ref, "  My key  ", client))
	var invalid *account.InvalidError
	for _, name := range []string{"", "   ", strings.Repeat("x", 1000)} {
		if err := w.Rename(t.Context(), live, ref, name, client); !errors.As(err, &invalid) {
			t.Errorf("named %.10q: %v", name, err)
		}
	}
	if list, err := w.List(t.Context(), live); err != nil || list[0].Name != "My key" {
		t.Errorf("%+v, %v", list, err)
	}
	for _, ref := range []string{"", "!", "AAAA", ref + "="} {
		wantError(t, "renaming "+ref, w.Rename(t.Context(), live, ref, "x", client), authcore.ErrNotFound)
		wantError(t, "removing "+ref, w.Remove(t.Context(), live, ref, client), authcore.ErrNotFound)
	}
	theirs := w.ByPassword(w.Add("grace@example.com").Email, client)
	wantError(t, "removing that of others", w.Remove(t.Context(), theirs, ref, client), authcore.ErrNotFound)
	w.Check(w.Remove(t.Context(), live, ref, client))
	if !slices.Contains(w.Letters(), mail.PasskeyRemoved) {
		t.Errorf("mails %v", w.Letters())
	}
	_, err := w.signIn(a)
	wantError(t, "a removed passkey", err, passkey.ErrUnknown)
}
