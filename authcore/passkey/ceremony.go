package passkey

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/sigra-auth/sigra/authcore"
)

// life is how long a challenge waits for its answer, which is what browsers are
// told too (WebAuthn Level 3 section 15.1 recommends five minutes at least).
const life = 5 * time.Minute

// purpose is what a challenge is for; it is good for nothing else.
type purpose string

const (
	forRegistration purpose = "register"
	forSignIn       purpose = "sign_in"
	forProof        purpose = "prove"
)

// ceremony is a challenge that waits for its answer.
type ceremony struct {
	Purpose purpose `json:"purpose"`
	// Session is the one that has asked; empty when nobody is signed in.
	Session string `json:"session,omitempty"`
	// Resident says that a new passkey must be discoverable.
	Resident bool                 `json:"resident,omitempty"`
	State    webauthn.SessionData `json:"state"`
}

func (s *Service) put(ctx context.Context, c ceremony) error {
	data, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encoding challenge: %w", err)
	}
	if err := s.Ceremonies.PutCeremony(ctx, hashOf(c.State.Challenge), data, s.Clock().Add(life)); err != nil {
		return fmt.Errorf("storing challenge: %w", err)
	}
	return nil
}

// take returns the challenge that an answer names, which is used up by that. It
// fails with ErrExpired when there is none for the purpose and the session.
func (s *Service) take(ctx context.Context, challenge string, p purpose, sessionID string) (ceremony, error) {
	var c ceremony
	data, err := s.Ceremonies.TakeCeremony(ctx, hashOf(challenge))
	if errors.Is(err, authcore.ErrNotFound) {
		return c, ErrExpired
	}
	if err != nil {
		return c, fmt.Errorf("finding challenge: %w", err)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("decoding challenge: %w", err)
	}
	if c.Purpose != p || c.Session != sessionID {
		return c, ErrExpired
	}
	return c, nil
}

func hashOf(challenge string) []byte {
	hash := sha256.Sum256([]byte(challenge))
	return hash[:]
}

// checkSite tells an answer to another site from one that is wrong. The library
// checks it again, with all the rest.
func (rp RelyingParty) checkSite(client protocol.CollectedClientData, rpIDHash []byte) error {
	wanted := sha256.Sum256([]byte(rp.ID))
	if client.Origin != rp.Origin || subtle.ConstantTimeCompare(wanted[:], rpIDHash) != 1 {
		return ErrWrongSite
	}
	return nil
}

// refused hides what the library says, which is for developers, behind one error
// for users.
func refused(err error) error { return fmt.Errorf("%w: %w", ErrRefused, err) }
