package authcore

import (
	"slices"
	"testing"
	"time"
)

func TestLevels(t *testing.T) {
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	key := Factor{Kind: FactorPasskey, At: at}
	verified := Factor{Kind: FactorPasskey, At: at, UserVerified: true}
	synced := Factor{Kind: FactorPasskey, At: at, UserVerified: true, Synced: true}
	of := func(kind FactorKind) Factor { return Factor{Kind: kind, At: at} }
	for name, test := range map[string]struct {
		proofs  []Factor
		level   AssuranceLevel
		methods []string
	}{
		"password":                   {[]Factor{of(FactorPassword)}, AAL1, []string{"pwd"}},
		"link":                       {[]Factor{of(FactorLink)}, AAL1, nil},
		"password and link":          {[]Factor{of(FactorPassword), of(FactorLink)}, AAL1, []string{"pwd"}},
		"password and code":          {[]Factor{of(FactorPassword), of(FactorTOTP)}, AAL2, []string{"pwd", "otp", "mfa"}},
		"password and backup code":   {[]Factor{of(FactorPassword), of(FactorBackupCode)}, AAL2, []string{"pwd", "otp", "mfa"}},
		"code and backup code":       {[]Factor{of(FactorTOTP), of(FactorBackupCode)}, AAL1, []string{"otp"}},
		"link and code":              {[]Factor{of(FactorLink), of(FactorTOTP)}, AAL2, []string{"otp", "mfa"}},
		"security key":               {[]Factor{key}, AAL1, []string{"hwk", "user"}},
		"password and security key":  {[]Factor{of(FactorPassword), key}, AAL2, []string{"pwd", "hwk", "user", "mfa"}},
		"security key and code":      {[]Factor{key, of(FactorTOTP)}, AAL2, []string{"hwk", "user", "otp", "mfa"}},
		"passkey that verifies":      {[]Factor{verified}, AAL2, []string{"hwk", "user", "mfa"}},
		"passkey of several devices": {[]Factor{synced}, AAL2, []string{"swk", "user", "mfa"}},
	} {
		id := Identity{Level: AAL1, AuthTime: at}
		for _, proof := range test.proofs {
			id = id.Prove(proof)
		}
		if id.Level != test.level || !slices.Equal(id.Methods(), test.methods) {
			t.Errorf("%s: %s by %v, want %s by %v", name, id.Level, id.Methods(), test.level, test.methods)
		}
	}
}

// TestWeakerProofTakesOver: what has been proven last by a kind is what counts.
func TestWeakerProofTakesOver(t *testing.T) {
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	id := Identity{AuthTime: at}.Prove(Factor{Kind: FactorPasskey, At: at, UserVerified: true}).Prove(Factor{Kind: FactorPasskey, At: at.Add(time.Hour)})
	if id.Level != AAL1 {
		t.Errorf("a key without verification: %s", id.Level)
	}
}

func TestProvenAtByKind(t *testing.T) {
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	id := Identity{AuthTime: at}.Prove(Factor{Kind: FactorPassword, At: at.Add(2 * time.Hour)}).Prove(Factor{Kind: FactorTOTP, At: at.Add(time.Hour)})
	for name, test := range map[string]struct {
		kinds []FactorKind
		want  time.Time
	}{
		"any":    {nil, at.Add(2 * time.Hour)},
		"one":    {[]FactorKind{FactorTOTP}, at.Add(time.Hour)},
		"either": {[]FactorKind{FactorTOTP, FactorPassword}, at.Add(2 * time.Hour)},
		"none":   {[]FactorKind{FactorPasskey}, time.Time{}},
	} {
		if got := id.ProvenAt(test.kinds...); !got.Equal(test.want) {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
