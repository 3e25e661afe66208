package redisstore

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/passkey"
)

// Ceremonies keeps WebAuthn challenges in Redis, which forgets them by itself.
type Ceremonies struct {
	c *Client
}

// Ceremonies returns the challenges in Redis.
func (c *Client) Ceremonies() *Ceremonies { return &Ceremonies{c} }

// PutCeremony implements passkey.Ceremonies.
func (s *Ceremonies) PutCeremony(ctx context.Context, hash, data []byte, expires time.Time) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return unavailable("storing a challenge", s.c.rdb.Set(ctx, s.key(hash), data, time.Until(expires)).Err())
}

// TakeCeremony implements passkey.Ceremonies.
func (s *Ceremonies) TakeCeremony(ctx context.Context, hash []byte) ([]byte, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	data, err := s.c.rdb.GetDel(ctx, s.key(hash)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, authcore.ErrNotFound
	}
	return data, unavailable("finding a challenge", err)
}

func (s *Ceremonies) key(hash []byte) string {
	return s.c.prefix + "c:" + base64.RawURLEncoding.EncodeToString(hash)
}

var _ passkey.Ceremonies = (*Ceremonies)(nil)
