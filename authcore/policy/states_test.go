package policy

import (
	"fmt"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// states are all ways to be signed in: what was proven, how long ago, and what
// the session is. Their names say it.
func states() map[string]*authcore.Identity {
	proofs := map[string][]authcore.Factor{
		"password":              {{Kind: authcore.FactorPassword}},
		"link":                  {{Kind: authcore.FactorLink}},
		"security key":          {{Kind: authcore.FactorPasskey}},
		"passkey":               {{Kind: authcore.FactorPasskey, UserVerified: true}},
		"password, totp":        {{Kind: authcore.FactorPassword}, {Kind: authcore.FactorTOTP}},
		"password, backup code": {{Kind: authcore.FactorPassword}, {Kind: authcore.FactorBackupCode}},
		"password, key":         {{Kind: authcore.FactorPassword}, {Kind: authcore.FactorPasskey}},
		"link, totp":            {{Kind: authcore.FactorLink}, {Kind: authcore.FactorTOTP}},
		"link, backup code":     {{Kind: authcore.FactorLink}, {Kind: authcore.FactorBackupCode}},
	}
	all := make(map[string]*authcore.Identity)
	for given, factors := range proofs {
		for _, first := range []time.Duration{time.Minute, time.Hour} {
			for _, second := range []time.Duration{time.Minute, time.Hour} {
				for _, session := range []string{"", "pending", "trusted"} {
					id := authcore.Identity{UserID: "u", EmailVerified: true, AuthTime: now.Add(-first)}
					for i, f := range factors {
						f.At = now.Add(-first)
						if i > 0 {
							f.At = now.Add(-second)
						}
						id = id.Prove(f)
					}
					id.Pending, id.Trusted = session == "pending", session == "trusted"
					all[fmt.Sprintf("%s (%s, %s) %s", given, first, second, session)] = &id
				}
			}
		}
	}
	return all
}

// has reports whether one of the proofs is as asked for and no older than age.
func has(id *authcore.Identity, age time.Duration, kinds ...authcore.FactorKind) bool {
	for _, f := range id.Factors {
		for _, kind := range kinds {
			if f.Kind == kind && now.Sub(f.At) <= age {
				return true
			}
		}
	}
	return false
}

// strong says by the letter of the design what aal2 is.
func strong(id *authcore.Identity) bool {
	first := has(id, time.Hour*99, authcore.FactorPassword, authcore.FactorLink)
	code := has(id, time.Hour*99, authcore.FactorTOTP, authcore.FactorBackupCode)
	key := has(id, time.Hour*99, authcore.FactorPasskey)
	verified := false
	for _, f := range id.Factors {
		verified = verified || f.UserVerified
	}
	return verified || first && code || first && key || code && key
}

// TestEveryStateAgainstEveryRule is the table of what a rule asks and who meets
// it. A pending session meets none; a trusted browser is no proof.
func TestEveryStateAgainstEveryRule(t *testing.T) {
	const age = 10 * time.Minute
	any := []authcore.FactorKind{authcore.FactorPassword, authcore.FactorLink, authcore.FactorTOTP, authcore.FactorBackupCode, authcore.FactorPasskey}
	rules := map[string]struct {
		need Need
		met  func(*authcore.Identity) bool
	}{
		"user":       {Need{}, func(*authcore.Identity) bool { return true }},
		"fresh":      {Need{Fresh: age}, func(id *authcore.Identity) bool { return has(id, age, any...) }},
		"aal2":       {Need{Level: authcore.AAL2}, strong},
		"aal2 fresh": {Need{Level: authcore.AAL2, Fresh: age}, func(id *authcore.Identity) bool { return strong(id) && has(id, age, authcore.SecondFactors...) }},
		"passkey":    {Need{Factors: []authcore.FactorKind{authcore.FactorPasskey}}, func(id *authcore.Identity) bool { return has(id, 99*time.Hour, authcore.FactorPasskey) }},
		"totp":       {Need{Factors: []authcore.FactorKind{authcore.FactorTOTP}}, func(id *authcore.Identity) bool { return has(id, 99*time.Hour, authcore.FactorTOTP) }},
		"totp fresh": {Need{Factors: []authcore.FactorKind{authcore.FactorTOTP}, Fresh: age}, func(id *authcore.Identity) bool { return has(id, age, authcore.FactorTOTP) }},
		"either": {Need{Factors: []authcore.FactorKind{authcore.FactorTOTP, authcore.FactorPasskey}}, func(id *authcore.Identity) bool {
			return has(id, 99*time.Hour, authcore.FactorTOTP, authcore.FactorPasskey)
		}},
		"two-step":           {Need{TwoStep: true}, func(id *authcore.Identity) bool { return strong(id) || id.Trusted }},
		"two-step of admins": {Need{TwoStep: true, TwoStepRoles: []string{"admin"}}, func(*authcore.Identity) bool { return true }},
	}
	met := 0
	for state, id := range states() {
		for rule, r := range rules {
			want := StepUp
			switch {
			case id.Pending:
				want = Held
			case r.met(id):
				want, met = Allow, met+1
			}
			if got := Decide(r.need, id, now); got.Outcome != want {
				t.Errorf("%s against %s: %s, want %s", state, rule, got.Outcome, want)
			}
		}
	}
	if met == 0 {
		t.Error("nothing is ever allowed")
	}
}

func TestTwoStepOfRoles(t *testing.T) {
	need := Need{TwoStep: true, TwoStepRoles: []string{"admin"}}
	admin := user(func(id *authcore.Identity) { id.Role = "admin" })
	if got := Decide(need, admin, now); got.Outcome != StepUp || got.Missing[0].Condition != MissingTwoStep {
		t.Errorf("an admin with one factor: %+v", got)
	}
	admin.Trusted = true
	if got := Decide(need, admin, now); got.Outcome != Allow {
		t.Errorf("an admin at a trusted browser: %+v", got)
	}
}
