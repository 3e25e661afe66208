package sqlstore_test

import (
	"maps"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/storage/sqlstore"
)

func TestEmails(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		db, ada, bob := open(t), someUser("ada"), someUser("bob")
		for _, user := range []authcore.User{ada, bob} {
			if err := db.Create(t.Context(), user, "", someEvent(audit.UserCreate)); err != nil {
				t.Fatal(err)
			}
		}
		for _, test := range []struct {
			ids  []string
			want map[string]string
		}{
			{nil, nil},
			{[]string{bob.ID, "nobody", ada.ID}, map[string]string{ada.ID: ada.Email, bob.ID: bob.Email}},
			{[]string{ada.ID, ada.ID}, map[string]string{ada.ID: ada.Email}},
		} {
			if got, err := db.Emails(t.Context(), test.ids); err != nil || !maps.Equal(got, test.want) {
				t.Errorf("%v: %v, %v", test.ids, got, err)
			}
		}
	})
}
