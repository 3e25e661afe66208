package signup

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/sigra-auth/sigra/authcore/account"
)

const ticketPurpose = "sign-up"

// ticket is what the browser that signed up holds: with it and the code from
// the mail, it is the one that chose the password. A browser that signed up
// with an address of somebody else holds one that looks the same.
type ticket struct {
	ID    string    `json:"i"`
	Key   string    `json:"k"`
	Email string    `json:"e"`
	Until time.Time `json:"t"`
	// Password recognizes the password of the sign-up. Nobody but Sigra can read it
	// here, or try passwords against it.
	Password []byte `json:"p"`
}

func (t ticket) digest(password string) []byte {
	hash := sha256.Sum256([]byte(t.ID + password))
	return hash[:]
}

// Awaits reports whether a browser has signed up with an address and a password,
// by its ticket: who signs in with them before the address is proven is led to
// that. It is so for an address that is taken too.
func (s *Service) Awaits(cookie, email, password string) bool {
	t, ok := s.openTicket(cookie)
	parsed, valid := account.ParseEmail(email)
	return ok && valid && t.Key == parsed.Key && subtle.ConstantTimeCompare(t.Password, t.digest(password)) == 1
}

func (s *Service) sealTicket(t ticket) (string, error) {
	plain, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.Sealer.Seal(ticketPurpose, plain, nil)), nil
}

// openTicket returns the ticket of a cookie, if it is one.
func (s *Service) openTicket(cookie string) (ticket, bool) {
	if cookie == "" || len(cookie) > 2048 {
		return ticket{}, false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil {
		return ticket{}, false
	}
	plain, err := s.Sealer.Open(ticketPurpose, sealed, nil)
	if err != nil {
		return ticket{}, false
	}
	var t ticket
	if json.Unmarshal(plain, &t) != nil || s.Clock().After(t.Until) {
		return ticket{}, false
	}
	return t, true
}
