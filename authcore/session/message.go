package session

import (
	"encoding/json"
	"fmt"
)

// message is what nodes tell each other about sessions. It holds hashes and
// ids, never a token.
type message struct {
	// Revoked sessions are forgotten and their streams closed.
	Revoked []sessionRef `json:"revoked,omitempty"`
	// Rotated sessions are forgotten under their old hash.
	Rotated []sessionRef `json:"rotated,omitempty"`
	// Changed sessions are read again.
	Changed []sessionRef `json:"changed,omitempty"`
	// All says that any session may have ended or changed.
	All bool `json:"all,omitzero"`
}

type sessionRef struct {
	ID   string `json:"id"`
	Hash Hash   `json:"hash"`
	// Next is the new hash of a rotated session.
	Next Hash `json:"next,omitzero"`
	// Close says that the session may do something else now: its streams are
	// closed, unless they were opened after that.
	Close bool `json:"close,omitzero"`
}

// MarshalText makes a hash short in JSON.
func (h Hash) MarshalText() ([]byte, error) { return []byte(Token(h).String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (h *Hash) UnmarshalText(text []byte) error {
	t, ok := ParseToken(string(text))
	if !ok {
		return fmt.Errorf("malformed session hash")
	}
	*h = Hash(t)
	return nil
}

// add makes a message say what another one says too.
func (m *message) add(other *message) {
	m.Revoked = append(m.Revoked, other.Revoked...)
	m.Rotated = append(m.Rotated, other.Rotated...)
	m.Changed = append(m.Changed, other.Changed...)
	m.All = m.All || other.All
}

func (m *message) encode() ([]byte, error) { return json.Marshal(m) }

func decodeMessage(payload []byte) (*message, error) {
	m := new(message)
	if err := json.Unmarshal(payload, m); err != nil {
		return nil, fmt.Errorf("decoding session message: %w", err)
	}
	return m, nil
}
