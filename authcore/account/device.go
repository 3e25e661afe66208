package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// Sealer encrypts small values under the master secret. Open fails for what
// Seal did not make with the same purpose and associated data.
type Sealer interface {
	Seal(purpose string, plaintext, associated []byte) []byte
	Open(purpose string, sealed, associated []byte) ([]byte, error)
}

const (
	devicePurpose = "known-device"
	// deviceLife is how long a browser counts as known after a sign-in.
	deviceLife = 365 * 24 * time.Hour
)

// device is what the known-device cookie holds. A browser that has signed in
// to an account before has a failure budget of its own for it, so that a
// stranger who exhausts the account's budget cannot lock the owner out (OWASP,
// "Slow Down Online Guessing Attacks with Device Cookies").
//
// A mark ends with the password it was made under, so that a one-time intruder
// keeps nothing, and a browser keeps its id from one to the next, so that its
// budget is one.
type device struct {
	UserID string    `json:"u"`
	ID     string    `json:"d"`
	Epoch  int64     `json:"e"`
	Until  time.Time `json:"t"`
}

// sealDevice returns a mark; an empty id makes a new one.
func sealDevice(s Sealer, userID, id string, epoch int64, now time.Time) (string, error) {
	d := device{UserID: userID, ID: cmp.Or(id, rand.Text()), Epoch: epoch, Until: now.Add(deviceLife)}
	plain, err := json.Marshal(d)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.Seal(devicePurpose, plain, nil)), nil
}

// knownDevice returns the id of the device if one of the cookies was made for
// the user and counts still; else it is empty.
func knownDevice(s Sealer, cookies []string, user authcore.User, now time.Time) string {
	for _, cookie := range cookies {
		if id := openDevice(s, cookie, user, now); id != "" {
			return id
		}
	}
	return ""
}

func openDevice(s Sealer, cookie string, user authcore.User, now time.Time) string {
	d := unsealDevice(s, cookie, now)
	if user.ID == "" || d.UserID != user.ID || d.Epoch != user.AuthEpoch {
		return ""
	}
	return d.ID
}

// unsealDevice returns a mark, or the zero value for what is none or has expired.
func unsealDevice(s Sealer, cookie string, now time.Time) (d device) {
	if cookie == "" || len(cookie) > 512 {
		return device{}
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil {
		return device{}
	}
	plain, err := s.Open(devicePurpose, sealed, nil)
	if err != nil || json.Unmarshal(plain, &d) != nil || now.After(d.Until) {
		return device{}
	}
	return d
}

// KnownUser returns the id of the user who last signed in with a browser, by its
// known-device cookies: empty when that is not known, several are told, or the mark
// has ended with the password. It proves nothing about who uses the browser now.
func (s *Service) KnownUser(ctx context.Context, cookies []string) (userID string, err error) {
	var told device
	for _, cookie := range cookies {
		d := unsealDevice(s.sealer, cookie, s.clock())
		if d.UserID == "" || told.UserID != "" && d.UserID != told.UserID {
			return "", nil
		}
		told = d
	}
	if told.UserID == "" {
		return "", nil
	}
	user, _, err := s.users.User(ctx, told.UserID)
	switch {
	case errors.Is(err, authcore.ErrNotFound), err == nil && (user.AuthEpoch != told.Epoch || user.Disabled()):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("finding account: %w", err)
	}
	return user.ID, nil
}
