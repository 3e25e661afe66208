// Package snippets holds the README's examples of verifying an assertion, as
// files that tests run.
package snippets

import (
	"fmt"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// Verify returns the claims of an assertion. Make keys once, with
// keyfunc.NewDefaultCtx(ctx, []string{issuer + "/jwks.json"}).
func Verify(keys keyfunc.Keyfunc, issuer, audience, assertion string) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(assertion, claims, keys.Keyfunc,
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired())
	if err != nil {
		return nil, fmt.Errorf("assertion refused: %w", err)
	}
	return claims, nil
}
