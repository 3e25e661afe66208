package passkey_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/passkey"
	"github.com/sigra-auth/sigra/tests/fixture"
)

func TestBackupFlags(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	synced := fixture.NewAuthenticator(t)
	synced.Flags = fixture.UP | fixture.UV | fixture.BE | fixture.BS
	_, err := w.register(synced, w.ByPassword(ada, client))
	w.Check(err)
	signedIn, err := w.signIn(synced)
	w.Check(err)
	if methods := w.Live(signedIn).Identity.Methods(); !slices.Equal(methods, []string{"swk", "user", "mfa"}) {
		t.Errorf("by %v", methods)
	}
	list, err := w.Store.Passkeys(t.Context(), w.User.ID)
	w.Check(err)
	if !list[0].Synced() || !list[0].BackedUp {
		t.Errorf("%+v", list[0])
	}
	for name, flags := range map[string]byte{"not eligible any more": fixture.UP | fixture.UV, "backed up, but not eligible": fixture.UP | fixture.UV | fixture.BS} {
		synced.Flags = flags
		_, err := w.signIn(synced)
		wantError(t, name, err, passkey.ErrRefused)
	}
	odd := fixture.NewAuthenticator(t)
	odd.Flags = fixture.UP | fixture.UV | fixture.BS
	synced.Flags = fixture.UP | fixture.UV | fixture.BE | fixture.BS
	_, err = w.register(odd, w.byKey(synced))
	wantError(t, "backed up, but not eligible, at registration", err, passkey.ErrRefused)
}

func TestWrongSite(t *testing.T) {
	for name, change := range map[string]func(*fixture.Authenticator){
		"origin":      func(a *fixture.Authenticator) { a.Origin = "https://evil.example.com" },
		"port":        func(a *fixture.Authenticator) { a.Origin = rp.Origin + ":8443" },
		"plain HTTP":  func(a *fixture.Authenticator) { a.Origin = "http://app.example.com" },
		"RP ID":       func(a *fixture.Authenticator) { a.RPID = "example.com" },
		"empty RP ID": func(a *fixture.Authenticator) { a.RPID = "" },
	} {
		w := newWorld(t, passkey.CountWarn)
		a := w.owned()
		live := w.byKey(a)
		change(a)
		_, err := w.signIn(a)
		wantError(t, "sign-in, "+name, err, passkey.ErrWrongSite)
		b := fixture.NewAuthenticator(t)
		change(b)
		_, err = w.register(b, live)
		wantError(t, "registration, "+name, err, passkey.ErrWrongSite)
	}
	w, other := newWorld(t, passkey.CountWarn), rp
	other.ID, other.Origin = "other.example.com", "https://other.example.com"
	a := w.owned()
	a.RPID, a.Origin = other.ID, other.Origin
	asked, err := w.SignIn(t.Context(), other, client)
	w.Check(err)
	_, err = w.FinishSignIn(t.Context(), other, passkey.Attempt{Response: a.Get(asked), Client: client})
	wantError(t, "a passkey of another relying party", err, passkey.ErrUnknown)
}

// TestClientData: an answer to a page in a frame, or of the other ceremony, is none
// (sections 7.1.7, 7.1.10-11, 7.2.10 and 7.2.13-14).
func TestClientData(t *testing.T) {
	for name, change := range map[string]func(a *fixture.Authenticator){
		"in a frame of another origin":  func(a *fixture.Authenticator) { a.CrossOrigin = true },
		"in a page of another origin":   func(a *fixture.Authenticator) { a.TopOrigin = "https://evil.example" },
		"in a frame, and it says so":    func(a *fixture.Authenticator) { a.CrossOrigin, a.TopOrigin = true, "https://evil.example" },
		"of a registration, to sign in": func(a *fixture.Authenticator) { a.Type = "webauthn.create" },
		"of a sign-in, to register":     func(a *fixture.Authenticator) { a.Type = "webauthn.get" },
		"of something else":             func(a *fixture.Authenticator) { a.Type = "payment.get" },
	} {
		w := newWorld(t, passkey.CountWarn)
		a := w.owned()
		live := w.byKey(a)
		change(a)
		if a.Type != "webauthn.get" {
			_, err := w.signIn(a)
			wantError(t, "used "+name, err, passkey.ErrRefused)
		}
		b := fixture.NewAuthenticator(t)
		change(b)
		if b.Type != "webauthn.create" {
			_, err := w.register(b, live)
			wantError(t, "registered "+name, err, passkey.ErrRefused)
		}
	}
}

// TestOptions are what a browser is asked (sections 7.1.1-4 and 7.2.1-4).
func TestOptions(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	live := w.byKey(a)
	seen := make(map[string]bool)
	for range 3 {
		created, err := w.Register(t.Context(), live, rp)
		w.Check(err)
		proven, err := w.Prove(t.Context(), live, rp)
		w.Check(err)
		for what, asked := range map[string]any{"create": created, "sign in": w.ask(), "prove": proven} {
			o := fixture.Read(t, asked)
			challenge, err := fixture.B64.DecodeString(o.Challenge)
			if err != nil || len(challenge) < 32 || seen[o.Challenge] || o.Timeout != 300_000 || o.UserVerification == "discouraged" {
				t.Errorf("to %s: %+v, %v", what, o, err)
			}
			seen[o.Challenge] = true
			if what != "create" && o.RPID != rp.ID || what == "create" && o.RP.ID != rp.ID {
				t.Errorf("to %s for %q, %q", what, o.RPID, o.RP.ID)
			}
			if (what == "prove") != (len(o.AllowCredentials) == 1) || (what == "create") != (len(o.ExcludeCredentials) == 1) {
				t.Errorf("to %s: %+v", what, o)
			}
		}
		var algorithms []int
		for _, p := range fixture.Read(t, created).Parameters {
			algorithms = append(algorithms, p.Algorithm)
		}
		if !slices.Equal(algorithms, []int{-7, -8, -257}) {
			t.Errorf("algorithms %v", algorithms)
		}
	}
}

// TestExtensions that nobody asked for are ignored (sections 7.1.20 and 7.2.20).
func TestExtensions(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := fixture.NewAuthenticator(t)
	a.Extra = map[string]any{"unheardOf": true, "credProtect": 3}
	_, err := w.register(a, w.ByPassword(ada, client))
	w.Check(err)
	w.byKey(a)
}

// TestLongID: an ID has 1023 bytes at most (section 7.1.25).
func TestLongID(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := fixture.NewAuthenticator(t)
	a.ID = bytes.Repeat([]byte{1}, 1024)
	_, err := w.register(a, w.ByPassword(ada, client))
	wantError(t, "an ID of 1024 bytes", err, passkey.ErrRefused)
	a.ID = bytes.Repeat([]byte{1}, 1023)
	_, err = w.register(a, w.ByPassword(ada, client))
	w.Check(err)
	w.byKey(a)
}

func TestAlgorithm(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	for name, algorithm := range map[string]int{"ES256K": -47, "ES384": -35, "RS1": -65535, "RS256 of a curve": -257, "EdDSA of P-256": -8, "none": 0} {
		a := fixture.NewAuthenticator(t)
		a.Algorithm = algorithm
		_, err := w.register(a, w.ByPassword(ada, client))
		wantError(t, name, err, passkey.ErrRefused)
	}
}

func TestSignature(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a, thief := w.owned(), fixture.NewAuthenticator(t)
	thief.ID, thief.UserHandle = a.ID, a.UserHandle
	_, err := w.signIn(thief)
	wantError(t, "signed by another key", err, passkey.ErrRefused)
	if trail := w.Trail(); trail[len(trail)-1] != audit.LoginFailure {
		t.Errorf("trail %v", trail)
	}
}

func TestUserHandle(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	for _, handle := range []string{"", "somebody else", w.User.ID + "x"} {
		a.UserHandle = []byte(handle)
		_, err := w.signIn(a)
		wantError(t, "handle "+handle, err, passkey.ErrRefused)
	}
	a.ID = []byte("never registered")
	_, err := w.signIn(a)
	wantError(t, "an unknown passkey", err, passkey.ErrUnknown)
}

func TestGarbage(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	live := w.byKey(a)
	var whole map[string]any
	w.Check(json.Unmarshal(a.Get(w.ask()), &whole))
	bodies := []string{"", "{}", "null", "[]", `{"id":"AQ","rawId":"AQ","type":"public-key","response":{}}`, strings.Repeat("[", 10_000), strings.Repeat("x", 60_000)}
	for _, part := range []string{"clientDataJSON", "authenticatorData", "signature"} {
		for _, value := range []any{"", "AAAA", "!", nil, 7, strings.Repeat("A", 1000)} {
			changed := map[string]any{}
			for k, v := range whole["response"].(map[string]any) {
				changed[k] = v
			}
			changed[part] = value
			body, err := json.Marshal(map[string]any{"id": whole["id"], "rawId": whole["rawId"], "type": "public-key", "response": changed})
			w.Check(err)
			bodies = append(bodies, string(body))
		}
	}
	for _, body := range bodies {
		for what, try := range map[string]func() error{
			"sign-in":      func() error { _, err := w.finish([]byte(body)); return err },
			"registration": func() error { _, err := w.FinishRegistration(t.Context(), live, rp, []byte(body), client); return err },
			"proof": func() error {
				_, err := w.FinishProof(t.Context(), live, rp, passkey.Attempt{Response: []byte(body), Client: client})
				return err
			},
		} {
			w.Check(w.Guard.FactorSucceeded(t.Context(), w.User.ID))
			if err := try(); !errors.Is(err, passkey.ErrRefused) && !errors.Is(err, passkey.ErrExpired) && !errors.Is(err, passkey.ErrWrongSite) {
				t.Errorf("%s with %.60q: %v", what, body, err)
			}
		}
	}
}

func FuzzFinishSignIn(f *testing.F) {
	f.Add([]byte(`{"id":"AQ","rawId":"AQ","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA"}}`))
	w := newWorld(f, passkey.CountWarn)
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := w.FinishSignIn(t.Context(), rp, passkey.Attempt{Response: body, Client: client}); err == nil {
			t.Errorf("%q signs in", body)
		}
	})
}

// TestHugeKeys: an RSA key costs what its size is, at every use, by anybody.
func TestHugeKeys(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	for name, key := range map[string]map[int]any{
		"a modulus of 44,000 bytes": {1: 3, 3: -257, -1: bytes.Repeat([]byte{0xff}, 44_000), -2: []byte{1, 0, 1}},
		"a huge exponent":           {1: 3, 3: -257, -1: bytes.Repeat([]byte{0xff}, 256), -2: []byte{0x7f, 0xff, 0xff, 0xff}},
		"a modulus of 513 bytes":    {1: 3, 3: -257, -1: bytes.Repeat([]byte{0xff}, 513), -2: []byte{1, 0, 1}},
		"another curve":             {1: 2, 3: -7, -1: 2, -2: make([]byte, 48), -3: make([]byte, 48)},
	} {
		a := fixture.NewAuthenticator(t)
		a.COSE = key
		_, err := w.register(a, w.ByPassword(ada, client))
		wantError(t, name, err, passkey.ErrRefused)
	}
	a := fixture.NewAuthenticator(t)
	a.COSE = map[int]any{1: 3, 3: -257, -1: bytes.Repeat([]byte{0xff}, 256), -2: []byte{1, 0, 1}}
	_, err := w.register(a, w.ByPassword(ada, client))
	w.Check(err)
}
