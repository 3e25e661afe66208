package password

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// foreign are hashes of "correct horse battery staple", made with Python's
// hashlib and written as Passlib and Django do.
var foreign = map[string]string{
	"Passlib SHA-1":   "$pbkdf2$1000$MDEyMzQ1Njc4OWFiY2RlZg$wmIXv0mv7iouqkc9CKjRvCX21po",
	"Passlib SHA-256": "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$yqSq2SygY1sB4EcH9f2FG0JTMES.wqLsOT5YmiRBplI",
	"Passlib SHA-512": "$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$5bTW2oeyDJyGJPcmEr.mRDE11ghpozWrDGnSNhRXo2ZCu0KHRDiUMAVEGzLJC.oDhRoeIja9J1iLIv9ptDJMfQ",
	"PHC PBKDF2":      "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$yqSq2SygY1sB4EcH9f2FG0JTMES+wqLsOT5YmiRBplI",
	"Django PBKDF2":   "pbkdf2_sha256$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=",
	"PHC scrypt":      "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$7AnzIswxwEinpwz+ntydndYfVHPvOACmX9Vvo8hO1qM",
	"Django scrypt":   "scrypt$1024$seasalt$8$5$l8suLvyBQg6EEaxiU94A5MqNFA+ifkB9O0nlDrfbkLvhHOHm+Q68fclEV3UJ0Uvj5DZtTFgZbT70Vnq/eAnq0g==",
}

func TestForeignHashes(t *testing.T) {
	h := NewHasher(cheap, Limits{})
	for name, stored := range foreign {
		if err := Recognize(stored); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for password, want := range map[string]Result{
			"correct horse battery staple": {OK: true, Upgrade: true}, "correct horse battery stapl": {}, "": {},
		} {
			if got, err := h.Verify(t.Context(), stored, password); err != nil || got != want {
				t.Errorf("%s, %q: %+v, %v", name, password, got, err)
			}
		}
	}
}

// The vectors of RFC 6070 section 2 and RFC 7914 section 12.
func TestForeignVectors(t *testing.T) {
	unhex := func(text string) []byte {
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for i, h := range []stored{
		pbkdf2Hash{sha1.New, 1, []byte("salt"), unhex("0c60c80f961f0e71f3a9b524af6012062fe037a6")},
		pbkdf2Hash{sha1.New, 4096, []byte("salt"), unhex("4b007901b765489abead49d926f721d065a429c1")},
		scryptHash{1024, 8, 16, []byte("NaCl"), unhex("fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640")},
	} {
		if !h.verify("password", "password") || h.verify("Password", "Password") {
			t.Errorf("vector %d", i)
		}
	}
}

func TestUnknownAndCostlyHashes(t *testing.T) {
	for name, stored := range map[string]string{
		"nothing": "", "plain text": "secret", "MD5": "5ebe2294ecd0e0f08eab7690d2a6ee69", "crypt": "$6$salt$hash",
		"many iterations":      strings.Replace(foreign["Passlib SHA-256"], "$1000$", "$5000001$", 1),
		"no iterations":        strings.Replace(foreign["Passlib SHA-256"], "$1000$", "$0$", 1),
		"negative":             strings.Replace(foreign["Django PBKDF2"], "$1000$", "$-1$", 1),
		"unknown digest":       strings.Replace(foreign["Django PBKDF2"], "sha256", "md5", 1),
		"short tag":            "$pbkdf2-sha256$1000$c2FsdA$c2hvcnQ",
		"much memory":          strings.Replace(foreign["PHC scrypt"], "ln=10", "ln=19", 1),
		"overflow":             strings.Replace(foreign["PHC scrypt"], "ln=10", "ln=63", 1),
		"much work":            strings.Replace(foreign["Django scrypt"], "$1024$seasalt$8$5$", "$65536$seasalt$16$16$", 1),
		"n not a power":        strings.Replace(foreign["Django scrypt"], "$1024$", "$1000$", 1),
		"not base64":           foreign["PHC scrypt"] + "!",
		"too many parts":       foreign["PHC scrypt"] + "$x",
		"very long":            foreign["PHC scrypt"] + strings.Repeat("A", 600),
		"bcrypt too dear":      "$2a$16$abcdefghijklmnopqrstuuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01",
		"argon2 too dear":      "$argon2id$v=19$m=2097152,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
		"argon2 too much work": "$argon2id$v=19$m=1048576,t=3,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
		"bcrypt cut off":       "$2a$04$abcdefghijklmnopqrstuuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0",
		"bcrypt with more":     "$2a$04$abcdefghijklmnopqrstuuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123",
		"bcrypt, other letter": "$2a$04$abcdefghijklmnopqrstuuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!!",
		"PHC of other length":  strings.Replace(foreign["PHC PBKDF2"], "l=32", "l=20", 1),
		"argon2i, not -id":     "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
	} {
		if err := Recognize(stored); !errors.Is(err, ErrUnknownHash) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRecognize(f *testing.F) {
	for _, stored := range foreign {
		f.Add(stored)
	}
	f.Fuzz(func(t *testing.T, text string) { _ = Recognize(text) })
}
