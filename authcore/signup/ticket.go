package signup

import (
	"encoding/base64"
	"encoding/json"
	"time"
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
