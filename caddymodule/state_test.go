package caddymodule

import (
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// TestUserProperties: what may be written in `headers` is what has a value.
func TestUserProperties(t *testing.T) {
	org := authcore.Org{ID: "1", Slug: "acme", Role: "owner"}
	now := time.Now()
	st := &state{id: &authcore.Identity{
		UserID: "1", SessionID: "2", Email: testEmail, EmailVerified: true, Name: "Ada", Role: authcore.RoleAdmin,
		Org: org, Orgs: []authcore.Org{org}, Actor: "3", Level: authcore.AAL1, AuthTime: now,
		Factors: []authcore.Factor{{Kind: authcore.FactorPassword, At: now}}, Profile: map[string]string{"team": "red"},
	}}
	for _, name := range append([]string{profilePrefix + "team"}, userProperties...) {
		if st.user(name) == "" {
			t.Errorf("{%s%s} is empty", userPlaceholders, name)
		}
	}
	if err := provision(t, "{\nadmin off\nsigra {\nprofile_field team\n}\n}\nlocalhost {\nsigra {\nheaders {\n"+
		"X-All {http.auth.user.profile.team}/{http.auth.user.auth_time}/{http.request.host}\n}\n}\n}"); err != nil {
		t.Error(err)
	}
}
