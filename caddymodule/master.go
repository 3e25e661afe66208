package caddymodule

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"

	"github.com/caddyserver/certmagic"

	"github.com/sigra-auth/sigra/authcore/secret"
)

// masterKeyPath is where a master secret that nobody configured is kept in
// Caddy's storage, which all nodes of a cluster share.
const masterKeyPath = "sigra/master.key"

// masterSecret is the source of the secret from which all keys are derived.
type masterSecret struct {
	configured []byte
	storage    certmagic.Storage
}

func newMasterSecret(configured string, storage certmagic.Storage) (masterSecret, error) {
	if configured == "" {
		return masterSecret{storage: storage}, nil
	}
	text, err := expand("secret", configured)
	if err != nil {
		return masterSecret{}, err
	}
	master, err := secret.ParseMaster(text)
	if err != nil {
		return masterSecret{}, fmt.Errorf("secret: %w", err)
	}
	return masterSecret{configured: master}, nil
}

// poolKey tells sources apart without telling the secret.
func (m masterSecret) poolKey() string {
	if m.configured != nil {
		return "secret:" + fingerprint(string(m.configured))
	}
	return fmt.Sprintf("storage:%v", m.storage)
}

// errLostMaster says that the secret which a database was made with is gone.
var errLostMaster = errors.New("there is no master.key; restore it from the backup")

// load returns the secret, making one on the first start: not for a database that was
// used before, for which another one is of no use.
func (m masterSecret) load(ctx context.Context, used func(context.Context) (bool, error)) ([]byte, error) {
	if m.configured != nil {
		return m.configured, nil
	}
	// The lock keeps two nodes that start at once from making two secrets.
	if err := m.storage.Lock(ctx, masterKeyPath); err != nil {
		return nil, fmt.Errorf("locking master secret in Caddy's storage: %w", err)
	}
	defer m.storage.Unlock(context.WithoutCancel(ctx), masterKeyPath)
	text, err := m.storage.Load(ctx, masterKeyPath)
	if errors.Is(err, fs.ErrNotExist) {
		switch before, err := used(ctx); {
		case err != nil:
			return nil, err
		case before:
			return nil, fmt.Errorf("%w: the database was made with %s in %v", errLostMaster, masterKeyPath, m.storage)
		}
		return m.make(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("reading master secret from Caddy's storage: %w", err)
	}
	return secret.ParseMaster(string(text))
}

func (m masterSecret) make(ctx context.Context) ([]byte, error) {
	master := make([]byte, 32)
	rand.Read(master) // never fails since Go 1.24
	text := base64.StdEncoding.EncodeToString(master)
	if err := m.storage.Store(ctx, masterKeyPath, []byte(text)); err != nil {
		return nil, fmt.Errorf("keeping master secret in Caddy's storage: %w", err)
	}
	return master, nil
}
