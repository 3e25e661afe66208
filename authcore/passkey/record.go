package passkey

import (
	"encoding/json"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"
)

// record is what Passkey.Data holds. No attestation is asked for, so none is kept.
type record struct {
	// PublicKey is a COSE_Key (RFC 9052).
	PublicKey  []byte   `json:"key"`
	Transports []string `json:"transports,omitempty"`
	// Flags are those of the authenticator data (WebAuthn Level 3 section 6.1).
	Flags  byte      `json:"flags"`
	AAGUID uuid.UUID `json:"aaguid"`
}

// dataOf encodes what is kept of a credential.
func dataOf(c *webauthn.Credential) ([]byte, error) {
	r := record{PublicKey: c.PublicKey, Flags: byte(c.Flags.ProtocolValue())}
	for _, transport := range c.Transport {
		r.Transports = append(r.Transports, string(transport))
	}
	copy(r.AAGUID[:], c.Authenticator.AAGUID)
	data, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encoding passkey: %w", err)
	}
	return data, nil
}

func (p Passkey) record() (r record, err error) {
	if err := json.Unmarshal(p.Data, &r); err != nil {
		return r, fmt.Errorf("decoding passkey: %w", err)
	}
	return r, nil
}

// credential returns a passkey as go-webauthn sees one.
func (p Passkey) credential() (webauthn.Credential, error) {
	r, err := p.record()
	if err != nil {
		return webauthn.Credential{}, err
	}
	c := webauthn.Credential{ID: p.ID, PublicKey: r.PublicKey, Flags: webauthn.NewCredentialFlags(protocol.AuthenticatorFlags(r.Flags))}
	for _, transport := range r.Transports {
		c.Transport = append(c.Transport, protocol.AuthenticatorTransport(transport))
	}
	c.Authenticator = webauthn.Authenticator{AAGUID: r.AAGUID[:], SignCount: p.SignCount}
	return c, nil
}

// Synced reports whether the key may be on several devices (flag BE).
func (p Passkey) Synced() bool {
	r, err := p.record()
	return err == nil && protocol.AuthenticatorFlags(r.Flags).HasBackupEligible()
}

// Model returns the name of what keeps the passkey; empty when it is not known.
func (p Passkey) Model() string {
	r, err := p.record()
	if err != nil {
		return ""
	}
	return models[r.AAGUID.String()]
}
