// Package secret derives every key of a gateway from one master secret and
// encrypts what is stored under it.
package secret

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// masterLength is the length of a master secret in bytes.
const masterLength = 32

// ErrForged says that a value was not sealed by this master secret, for this
// purpose, with this associated data.
var ErrForged = errors.New("sealed value is not authentic")

// Box seals values: AES-256-GCM under a key per purpose (HKDF-SHA256, RFC
// 5869).
type Box struct {
	master []byte
}

// NewBox returns the box of a master secret of 32 bytes.
func NewBox(master []byte) (*Box, error) {
	if len(master) != masterLength {
		return nil, fmt.Errorf("master secret has %d bytes, want %d", len(master), masterLength)
	}
	return &Box{master}, nil
}

// ParseMaster reads a master secret: 32 bytes in base64 or hexadecimal.
func ParseMaster(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	} {
		if master, err := decode(text); err == nil && len(master) == masterLength {
			return master, nil
		}
	}
	return nil, errors.New("the master secret must be 32 random bytes in base64; make one with: openssl rand -base64 32")
}

// key derives the key of a purpose.
func (b *Box) key(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, b.master, nil, "sigra/"+purpose, sha256.Size)
	if err != nil {
		panic(err) // only for a length that SHA-256 cannot give
	}
	return key
}

// version precedes every sealed value, so that another algorithm can follow.
const version = 1

// Seal encrypts a value. It opens only for the same purpose and associated
// data, so that it cannot be moved to another row.
func (b *Box) Seal(purpose string, plaintext, associated []byte) []byte {
	aead := b.aead(purpose)
	sealed := make([]byte, 1+aead.NonceSize(), 1+aead.NonceSize()+len(plaintext)+aead.Overhead())
	sealed[0] = version
	rand.Read(sealed[1:]) // never fails since Go 1.24
	return aead.Seal(sealed, sealed[1:], plaintext, associated)
}

// Open decrypts a sealed value or fails with ErrForged.
func (b *Box) Open(purpose string, sealed, associated []byte) ([]byte, error) {
	aead := b.aead(purpose)
	if len(sealed) < 1+aead.NonceSize() || sealed[0] != version {
		return nil, ErrForged
	}
	nonce, ciphertext := sealed[1:1+aead.NonceSize()], sealed[1+aead.NonceSize():]
	plaintext, err := aead.Open(nil, nonce, ciphertext, associated)
	if err != nil {
		return nil, ErrForged
	}
	return plaintext, nil
}

func (b *Box) aead(purpose string) cipher.AEAD {
	block, err := aes.NewCipher(b.key("seal/" + purpose))
	if err != nil {
		panic(err) // only for a key of the wrong length
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // only for a block cipher of the wrong size
	}
	return aead
}

// ErrOtherMaster says that a database was made with another master secret.
var ErrOtherMaster = errors.New("this database was made with another master secret; " +
	"give every node that shares it the same `secret`, or the same Caddy storage")

// Check compares the master secret with the one that the database was made
// with, and remembers it on the first start. It fails with ErrOtherMaster.
func (b *Box) Check(ctx context.Context, store CheckStore) error {
	value := b.key("check")
	stored, err := store.CheckValue(ctx, value)
	if err != nil {
		return fmt.Errorf("checking master secret: %w", err)
	}
	if !hmac.Equal(value, stored) {
		return ErrOtherMaster
	}
	return nil
}

// MAC returns the HMAC-SHA-256 of a value under a key of the purpose. What is
// too short to be kept as a plain hash, such as a code, is kept so.
func (b *Box) MAC(purpose string, value []byte) []byte {
	h := hmac.New(sha256.New, b.key("mac/"+purpose))
	h.Write(value)
	return h.Sum(nil)
}
