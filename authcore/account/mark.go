package account

import (
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// Mark is what a known-device cookie says: that a browser has signed in to an
// account. Whether it counts still, the account tells.
type Mark struct {
	UserID string `json:"u"`
	ID     string `json:"d"`
	Epoch  int64  `json:"e"`
}

// Marks returns the marks among the values of known-device cookies, without looking
// for their accounts.
func Marks(s Sealer, cookies []string, now time.Time) (marks []Mark) {
	for _, cookie := range cookies {
		if d := unsealDevice(s, cookie, now); d.ID != "" {
			marks = append(marks, Mark{d.UserID, d.ID, d.Epoch})
		}
	}
	return marks
}

// Counts reports whether the user's account knows the browser with the mark.
func (m Mark) Counts(user authcore.User) bool {
	return user.ID != "" && m.UserID == user.ID && m.Epoch == user.AuthEpoch
}
