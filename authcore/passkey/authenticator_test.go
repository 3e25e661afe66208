package passkey_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// The flags of authenticator data (WebAuthn Level 3 section 6.1).
const (
	up, uv, be, bs, at = 0x01, 0x04, 0x08, 0x10, 0x40
)

// authenticator is one made of software. Tests change its fields to have it answer
// wrongly.
type authenticator struct {
	t          testing.TB
	key        *ecdsa.PrivateKey
	id         []byte
	userHandle []byte
	rpID       string
	origin     string
	flags      byte
	count      uint32
	// crossOrigin says that a frame of another origin has asked.
	crossOrigin bool
	// algorithm is what the public key says it is for.
	algorithm int
}

func newAuthenticator(t testing.TB) *authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	rand.Read(id)
	return &authenticator{t: t, key: key, id: id, rpID: rp.ID, origin: rp.Origin, flags: up | uv, algorithm: -7}
}

// options are those of a ceremony, as a browser reads them.
type options struct {
	Challenge string `json:"challenge"`
	RPID      string `json:"rpId"`
	RP        struct {
		ID string `json:"id"`
	} `json:"rp"`
	User struct {
		ID string `json:"id"`
	} `json:"user"`
	Allow, Exclude []struct {
		ID string `json:"id"`
	}
	AllowCredentials []struct {
		ID string `json:"id"`
	} `json:"allowCredentials"`
	ExcludeCredentials []struct {
		ID string `json:"id"`
	} `json:"excludeCredentials"`
	UserVerification string `json:"userVerification"`
	Attestation      string `json:"attestation"`
	Timeout          int    `json:"timeout"`
}

func read(t testing.TB, given any) (o options) {
	t.Helper()
	body, err := json.Marshal(given)
	if err == nil {
		err = json.Unmarshal(body, &o)
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

var b64 = base64.RawURLEncoding

func (a *authenticator) clientData(kind, challenge string) []byte {
	a.t.Helper()
	return a.json(map[string]any{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": a.crossOrigin})
}

func (a *authenticator) json(v any) []byte {
	a.t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		a.t.Fatal(err)
	}
	return body
}

func (a *authenticator) cbor(v any) []byte {
	a.t.Helper()
	body, err := cbor.Marshal(v)
	if err != nil {
		a.t.Fatal(err)
	}
	return body
}

// data is the authenticator data (section 6.1).
func (a *authenticator) data(flags byte) []byte {
	hash := sha256.Sum256([]byte(a.rpID))
	return binary.BigEndian.AppendUint32(append(hash[:], flags), a.count)
}

// create answers the options of a registration.
func (a *authenticator) create(given any) []byte {
	a.t.Helper()
	o := read(a.t, given)
	a.userHandle, _ = b64.DecodeString(o.User.ID)
	public, err := a.key.PublicKey.Bytes()
	if err != nil {
		a.t.Fatal(err)
	}
	cose := a.cbor(map[int]any{1: 2, 3: a.algorithm, -1: 1, -2: public[1:33], -3: public[33:]})
	data := append(a.data(a.flags|at), make([]byte, 16)...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.id)))
	data = append(append(data, a.id...), cose...)
	attestation := a.cbor(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})
	return a.answer(map[string]string{
		"clientDataJSON": b64.EncodeToString(a.clientData("webauthn.create", o.Challenge)), "attestationObject": b64.EncodeToString(attestation),
	})
}

// get answers the options of a use.
func (a *authenticator) get(given any) []byte {
	a.t.Helper()
	o := read(a.t, given)
	client, data := a.clientData("webauthn.get", o.Challenge), a.data(a.flags)
	hash := sha256.Sum256(client)
	signed := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, signed[:])
	if err != nil {
		a.t.Fatal(err)
	}
	return a.answer(map[string]string{
		"clientDataJSON": b64.EncodeToString(client), "authenticatorData": b64.EncodeToString(data),
		"signature": b64.EncodeToString(signature), "userHandle": b64.EncodeToString(a.userHandle),
	})
}

func (a *authenticator) answer(response map[string]string) []byte {
	id := b64.EncodeToString(a.id)
	return a.json(map[string]any{"id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": map[string]any{}})
}
