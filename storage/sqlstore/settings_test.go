package sqlstore_test

import (
	"strings"
	"testing"
)

// TestUsed tells a database that a gateway has used from one without tables, and from
// none.
func TestUsed(t *testing.T) {
	for name, open := range dialects {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			if used, err := db.Used(t.Context()); used || err != nil {
				t.Errorf("before there are tables: %v, %v", used, err)
			}
			migrated(t, db)
			if used, err := db.Used(t.Context()); used || err != nil {
				t.Errorf("before the first start: %v, %v", used, err)
			}
			if _, err := db.CheckValue(t.Context(), []byte("x")); err != nil {
				t.Fatal(err)
			}
			if used, err := db.Used(t.Context()); !used || err != nil {
				t.Errorf("after it: %v, %v", used, err)
			}
			if name := db.String(); !strings.Contains(name, "database ") || strings.Contains(name, "password") {
				t.Errorf("it is called %s", name)
			}
		})
	}
}
