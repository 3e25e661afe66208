package org_test

import (
	"testing"

	"github.com/sigra-auth/sigra/authcore/audit"
)

// TestTrailIsPaged: the page says whether there are more.
func TestTrailIsPaged(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	o := w.org("acme", ada, nil)
	for _, all := range []int{50, 53} {
		for len(w.trail(o.ID)) < all {
			e := audit.New(w.now(), audit.OrgSwitch, client)
			e.OrgID = o.ID
			w.check(w.db.Note(t.Context(), e))
		}
		list, next, err := w.Trail(t.Context(), ada.actor(), "acme", "")
		if err != nil || len(list) != 50 || (next != "") != (all > 50) {
			t.Fatalf("of %d: %d, then from %q, %v", all, len(list), next, err)
		}
		if next == "" {
			continue
		}
		rest, end, err := w.Trail(t.Context(), ada.actor(), "acme", next)
		if err != nil || len(rest) != all-50 || end != "" || next != list[49].ID {
			t.Errorf("after %q: %d, %q, %v", next, len(rest), end, err)
		}
	}
}
