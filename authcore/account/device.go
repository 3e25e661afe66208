package account

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"time"
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
type device struct {
	UserID string    `json:"u"`
	ID     string    `json:"d"`
	Until  time.Time `json:"t"`
}

func sealDevice(s Sealer, userID string, now time.Time) (string, error) {
	d := device{UserID: userID, ID: rand.Text(), Until: now.Add(deviceLife)}
	plain, err := json.Marshal(d)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.Seal(devicePurpose, plain, nil)), nil
}

// knownDevice returns the id of the device if one of the cookies was made for
// the user and has not expired; else it is empty.
func knownDevice(s Sealer, cookies []string, userID string, now time.Time) string {
	for _, cookie := range cookies {
		if id := openDevice(s, cookie, userID, now); id != "" {
			return id
		}
	}
	return ""
}

func openDevice(s Sealer, cookie, userID string, now time.Time) string {
	if userID == "" || cookie == "" || len(cookie) > 512 {
		return ""
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil {
		return ""
	}
	plain, err := s.Open(devicePurpose, sealed, nil)
	if err != nil {
		return ""
	}
	var d device
	if json.Unmarshal(plain, &d) != nil || d.UserID != userID || now.After(d.Until) {
		return ""
	}
	return d.ID
}
