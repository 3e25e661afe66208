package authcore

import (
	"slices"
	"time"
)

// FactorKind is a kind of proof that a user can give. The set is closed.
type FactorKind string

// The kinds of proof.
const (
	// FactorPassword is a password.
	FactorPassword FactorKind = "password"
	// FactorLink is a link or a code that was sent by mail.
	FactorLink FactorKind = "link"
	// FactorTOTP is a code of an authenticator app (RFC 6238).
	FactorTOTP FactorKind = "totp"
	// FactorBackupCode is a code that was written down (NIST SP 800-63B-4
	// section 3.1.2, look-up secrets).
	FactorBackupCode FactorKind = "backup_code"
	// FactorPasskey is a WebAuthn credential.
	FactorPasskey FactorKind = "passkey"
)

// FactorKinds are all of them.
var FactorKinds = []FactorKind{FactorPassword, FactorLink, FactorTOTP, FactorBackupCode, FactorPasskey}

// SecondFactors are the kinds that can follow a password or a link.
var SecondFactors = []FactorKind{FactorTOTP, FactorBackupCode, FactorPasskey}

// Factor is one proof that the user has given in a session.
type Factor struct {
	Kind FactorKind `json:"k"`
	// At is when the proof was given.
	At time.Time `json:"t"`
	// UserVerified says that the authenticator has verified its user too, by a
	// PIN or biometrics (WebAuthn Level 3 section 6.1, flag UV).
	UserVerified bool `json:"uv,omitzero"`
	// Synced says that the key of a passkey may be on several devices (WebAuthn
	// Level 3 section 6.1, flag BE).
	Synced bool `json:"be,omitzero"`
}

// class groups the kinds that prove the same thing: two of one class are no two
// factors.
func (k FactorKind) class() string {
	switch k {
	case FactorTOTP, FactorBackupCode:
		return "code"
	case FactorPasskey:
		return "key"
	default:
		return "first"
	}
}

// references are the RFC 8176 authentication method references of a proof. For a
// link by mail there is none: it is no one-time password that a user types, and
// an app that asks for "otp" must not take it for one. Whether a key is bound to
// hardware is what the authenticator says of itself, by the flag BE.
func (f Factor) references() []string {
	switch {
	case f.Kind == FactorPassword:
		return []string{"pwd"}
	case f.Kind == FactorLink:
		return nil
	case f.Kind != FactorPasskey:
		return []string{"otp"}
	case f.Synced:
		return []string{"swk", "user"}
	default:
		return []string{"hwk", "user"}
	}
}

// levelOf returns the assurance level that proofs add up to.
func levelOf(factors []Factor) AssuranceLevel {
	for _, f := range factors {
		if f.UserVerified || f.Kind.class() != factors[0].Kind.class() {
			return AAL2
		}
	}
	return AAL1
}

// Prove returns a copy of the identity with one more proof, and the level that
// they add up to. It takes the place of an older one of the same kind.
func (id Identity) Prove(proof Factor) Identity {
	factors := make([]Factor, 0, len(id.Factors)+1)
	for _, f := range id.Factors {
		if f.Kind != proof.Kind {
			factors = append(factors, f)
		}
	}
	id.Factors = append(factors, proof)
	id.Level = levelOf(id.Factors)
	return id
}

// Completes reports whether a proof makes two factors of those given. A second key,
// or a second password, does not.
func (id Identity) Completes(proof Factor) bool { return id.Prove(proof).Level == AAL2 }

// ProvenAt returns the time of the latest proof by one of the kinds, or by any
// when none is named: then that is the sign-in at least. It is zero when there
// was none.
func (id *Identity) ProvenAt(kinds ...FactorKind) (latest time.Time) {
	if len(kinds) == 0 {
		latest = id.AuthTime
	}
	for _, f := range id.Factors {
		if f.At.After(latest) && (len(kinds) == 0 || slices.Contains(kinds, f.Kind)) {
			latest = f.At
		}
	}
	return latest
}

// Raising returns the kinds of proof that would make two factors of one.
func (id *Identity) Raising() []FactorKind {
	var kinds []FactorKind
	for _, kind := range FactorKinds {
		if !slices.ContainsFunc(id.Factors, func(f Factor) bool { return f.Kind.class() == kind.class() }) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// Methods returns the RFC 8176 references of the proofs given, oldest first.
func (id *Identity) Methods() []string {
	methods := make([]string, 0, len(id.Factors)+2)
	for _, f := range id.Factors {
		for _, reference := range f.references() {
			if !slices.Contains(methods, reference) {
				methods = append(methods, reference)
			}
		}
	}
	if id.Level == AAL2 {
		methods = append(methods, "mfa")
	}
	return methods
}
