package caddymodule

import (
	"errors"
	"net/http"
	"path/filepath"

	"github.com/sigra-auth/sigra/storage/sqlstore"
)

// backupBody is what `caddy sigra backup` sends.
type backupBody struct {
	File string `json:"file"`
}

// backUp is `caddy sigra backup`. The gateway, which may run as another user, writes the file.
func backUp(c *call, args []string) error {
	file, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	return c.show("POST", "/sigra/backup", backupBody{file})
}

func (o operations) backUp(r *http.Request) (any, error) {
	var body backupBody
	if err := decodeBody(r, &body); err != nil {
		return nil, err
	}
	if !filepath.IsAbs(body.File) {
		return nil, badRequest{errors.New("file must be an absolute path")}
	}
	err := o.app.engine.db.Backup(r.Context(), body.File)
	if errors.Is(err, sqlstore.ErrNoBackup) {
		return nil, badRequest{sqlstore.ErrNoBackup}
	}
	if err != nil {
		return nil, err
	}
	return map[string]string{"file": body.File, "status": "copied; keep the master secret with it"}, nil
}
