package e2e

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/tests/gateway"
)

// A sibling host can plant cookies under a shared domain. They must neither
// sign a visitor out nor in to a stranger's account.
func TestPlantedCookies(t *testing.T) {
	const (
		eve    = "eve@example.com"
		cookie = "__Secure-sigra="
	)
	g := gateway.Start(t, gateway.Config{Host: "app.example.com", TLS: true, Global: "cookie {\ndomain example.com\n}"})
	g.AddUser(ada)
	g.AddUser(eve)
	hers, stranger := cookie+g.SignedIn(ada).SessionCookie(), cookie+g.SignedIn(eve).SessionCookie()
	nothing := cookie + session.NewToken().String()
	visitor := g.NewClient()
	for cookies, want := range map[string]int{
		hers:                  http.StatusOK,
		nothing + "; " + hers: http.StatusOK,
		hers + "; " + cookie + "; " + cookie + "x; " + hers: http.StatusOK,
		hers + "; " + stranger:                              http.StatusUnauthorized,
		stranger + "; " + hers:                              http.StatusUnauthorized,
		nothing + "; " + nothing[:30]:                       http.StatusUnauthorized,
	} {
		if err := expect(visitor.Fetch("/", "Cookie", cookies), want); err != nil {
			t.Errorf("%s: %v", cookies, err)
		}
	}

	// Signing in again ends both, so that the planted one is in the way no more.
	form := url.Values{"email": {ada}, "password": {gateway.Password}}
	if err := expect(visitor.Post("/_auth/login", form, "Cookie", hers+"; "+stranger), http.StatusSeeOther); err != nil {
		t.Fatal(err)
	}
	again := cookie + visitor.SessionCookie()
	if err := expect(visitor.Fetch("/", "Cookie", stranger+"; "+again), http.StatusOK); err != nil {
		t.Errorf("after signing in again: %v", err)
	}
}
