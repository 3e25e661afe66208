package session

import (
	"testing"

	"github.com/sigra-auth/sigra/authcore"
)

// TestTrustIsARight: what a trusted browser was let through for ends with the trust.
func TestTrustIsARight(t *testing.T) {
	plain := authcore.Identity{Level: authcore.AAL1}
	trusted, skipped, proven := plain, plain, plain
	trusted.Trusted, skipped.Skipped, proven.Level = true, true, authcore.AAL2
	for name, test := range map[string]struct {
		before, after authcore.Identity
		same          bool
	}{
		"nothing changes": {trusted, trusted, true}, "trust is lost": {trusted, plain, false}, "trust is won": {plain, trusted, true},
		"trust is lost that is not needed": {trusted, proven, true}, "skipped no more": {skipped, plain, false}, "skipped now": {plain, skipped, false},
	} {
		if got := sameRights(&test.before, &test.after); got != test.same {
			t.Errorf("%s: the same rights: %v", name, got)
		}
	}
}
