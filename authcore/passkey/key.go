package passkey

import (
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

// algorithms are those of WebAuthn Level 3 section 5.8.5 that all platforms know.
var algorithms = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
}

// maxModulus bounds RSA keys, in bytes.
const maxModulus = 4096 / 8

// sound reports whether a public key (COSE_Key) is of a kind that was offered, as it
// is made in the wild. The library would take a modulus of any size, and everybody
// who answers with such a passkey would cost seconds of CPU.
func sound(publicKey []byte) bool {
	parsed, err := webauthncose.ParsePublicKey(publicKey)
	if err != nil {
		return false
	}
	switch key := parsed.(type) {
	case webauthncose.EC2PublicKeyData:
		return key.Algorithm == int64(webauthncose.AlgES256) && key.Curve == int64(webauthncose.P256)
	case webauthncose.OKPPublicKeyData:
		return key.Algorithm == int64(webauthncose.AlgEdDSA) && key.Curve == int64(webauthncose.Ed25519)
	case webauthncose.RSAPublicKeyData:
		return key.Algorithm == int64(webauthncose.AlgRS256) && len(key.Modulus) <= maxModulus && slices.Equal(key.Exponent, []byte{1, 0, 1})
	default:
		return false
	}
}
