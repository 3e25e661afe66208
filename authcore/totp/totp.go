// Package totp makes and checks the secrets of authenticator apps (RFC 6238):
// six digits, a new code every 30 seconds, SHA-1, which is what all apps know.
package totp

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"image/color"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/sigra-auth/sigra/authcore"
)

const (
	period = 30 * time.Second
	// drift is how many steps a clock may be off in either direction (RFC 6238
	// section 5.2).
	drift = 1
	// secretLength is in bytes: 160 bits, as RFC 4226 section 4 recommends.
	secretLength = 20
)

// Secret is what the app and Sigra share.
type Secret []byte

// NewSecret returns a random secret.
func NewSecret() Secret {
	s := make(Secret, secretLength)
	rand.Read(s) // never fails since Go 1.24
	return s
}

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Text returns the secret in base32, in groups of four, for those who type it.
func (s Secret) Text() string {
	text := encoding.EncodeToString(s)
	var groups []string
	for len(text) > 4 {
		groups, text = append(groups, text[:4]), text[4:]
	}
	return strings.Join(append(groups, text), " ")
}

// URI returns the secret as an app takes it in (otpauth, the key URI format of
// Google Authenticator), with the product and the account that it shows beside
// the code.
func (s Secret) URI(issuer, account string) string {
	issuer = strings.ReplaceAll(issuer, ":", "") // it separates the two in the path
	values := url.Values{
		"secret": {encoding.EncodeToString(s)}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"},
		"period": {strconv.Itoa(int(period.Seconds()))},
	}
	u := url.URL{
		Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + account,
		RawQuery: strings.ReplaceAll(values.Encode(), "+", "%20"), // apps do not read a plus as a space
	}
	return u.String()
}

// Step returns the number of the time step in which a code is good, if it is one
// of the current ones. The caller sees to it that no step is used twice (RFC
// 6238 section 5.2): it is at least as late as every one that was used before.
func (s Secret) Step(code string, now time.Time) (step int64, ok bool) {
	code = authcore.Digits(code)
	current := now.Unix() / int64(period.Seconds())
	opts := hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}
	text := encoding.EncodeToString(s)
	for candidate := current - drift; candidate <= current+drift; candidate++ {
		// In constant time: the library compares so. All are tried in any case.
		if right, err := hotp.ValidateCustom(code, uint64(candidate), text, opts); err == nil && right {
			step, ok = candidate, true
		}
	}
	return step, ok
}

// QR is a QR code as an SVG path of unit squares.
type QR struct {
	// Size is the length of a side, with the quiet zone.
	Size int
	Path string
}

// quiet is the width of the margin that readers want (ISO/IEC 18004 section
// 9.1), in modules.
const quiet = 4

// Draw returns an address as a QR code.
func Draw(uri string) (QR, error) {
	code, err := qr.Encode(uri, qr.M, qr.Auto)
	if err != nil {
		return QR{}, fmt.Errorf("drawing QR code: %w", err)
	}
	size := code.Bounds().Dx()
	var path strings.Builder
	for y := range size {
		for x := 0; x < size; x++ {
			start := x
			for x < size && isDark(code.At(x, y)) {
				x++
			}
			if x > start {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", start+quiet, y+quiet, x-start, x-start)
			}
		}
	}
	return QR{size + 2*quiet, path.String()}, nil
}

func isDark(c color.Color) bool {
	r, _, _, _ := c.RGBA()
	return r == 0
}
