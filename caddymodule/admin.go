package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/userimport"
)

func init() { caddy.RegisterModule(new(AdminAPI)) }

// AdminAPI serves the operator's side of Sigra at /sigra/ of Caddy's admin
// endpoint, which only this machine reaches. The `caddy sigra` commands use
// it. It never shows a token, a hash or a key.
type AdminAPI struct{}

// CaddyModule returns the Caddy module information.
func (*AdminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.sigra", New: func() caddy.Module { return new(AdminAPI) }}
}

// Routes returns the one route, below which operations dispatches.
func (a *AdminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{{Pattern: "/" + appID + "/", Handler: caddy.AdminHandlerFunc(a.serve)}}
}

// serve asks the app that serves, which after a rejected reload is not that of the
// configuration this endpoint belongs to.
func (*AdminAPI) serve(w http.ResponseWriter, r *http.Request) error {
	app := running.serving()
	if app == nil {
		return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: errors.New("this Caddy runs no sigra")}
	}
	operations{app}.mux().ServeHTTP(w, r)
	return nil
}

// operations are what an operator can do with a running gateway.
type operations struct{ app *App }

// mux routes the requests of the commands.
func (o operations) mux() *http.ServeMux {
	mux := http.NewServeMux()
	ops := map[string]func(*http.Request) (any, error){
		"POST /sigra/migrate":                     o.migrate,
		"POST /sigra/backup":                      o.backUp,
		"POST /sigra/setup":                       o.setUp,
		"GET /sigra/users":                        o.listUsers,
		"POST /sigra/users":                       o.addUser,
		"POST /sigra/users/find":                  o.findUser,
		"POST /sigra/users/invite":                o.inviteUser,
		"POST /sigra/users/{ref}/approve":         o.approveUser,
		"DELETE /sigra/users/{ref}":               o.deleteUser,
		"POST /sigra/users/{ref}/disable":         o.disable,
		"POST /sigra/users/{ref}/enable":          o.enable,
		"POST /sigra/users/{ref}/reset-factors":   o.resetFactors,
		"PUT /sigra/users/{ref}/password":         o.setPassword,
		"GET /sigra/users/{ref}/sessions":         o.listSessions,
		"DELETE /sigra/users/{ref}/sessions":      o.revokeSessions,
		"DELETE /sigra/users/{ref}/sessions/{id}": o.revokeSessions,
		"GET /sigra/keys":                         o.listKeys,
		"POST /sigra/keys/rotate":                 o.rotateKey,
		"GET /sigra/jobs":                         o.listWork,
		"POST /sigra/jobs/retry":                  o.retryWork,
		"POST /sigra/jobs/{id}/retry":             o.retryWork,
		"GET /sigra/mails":                        o.listMails,
		"POST /sigra/mails/retry":                 o.retryMails,
		"POST /sigra/mails/{id}/retry":            o.retryMails,
		"GET /sigra/orgs":                         o.listOrgs,
		"POST /sigra/orgs":                        o.createOrg,
	}
	for pattern, op := range orgOperations {
		ops[pattern] = o.onOrg(op)
	}
	for pattern, op := range ops {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { o.answer(w, r, maxAdminBody, o.ready(op)) })
	}
	mux.HandleFunc("POST /sigra/users/import", func(w http.ResponseWriter, r *http.Request) {
		o.answer(w, r, maxImportBody, o.ready(o.importUsers))
	})
	// The status is asked for when something is wrong above all.
	mux.HandleFunc("GET /sigra/status", func(w http.ResponseWriter, r *http.Request) { o.answer(w, r, maxAdminBody, o.status) })
	return mux
}

const (
	// maxAdminBody bounds the body of a request, in bytes.
	maxAdminBody = 64 << 10
	// maxImportBody bounds that of an import.
	maxImportBody = 256 << 20
)

// ready is an operation that waits until the stores have been reached.
func (o operations) ready(op func(*http.Request) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		if err := o.app.engine.awaitReady(r.Context()); err != nil {
			return nil, err
		}
		return op(r)
	}
}

func (o operations) answer(w http.ResponseWriter, r *http.Request, limit int64, op func(*http.Request) (any, error)) {
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if r.Method != http.MethodGet { // a command that is given up must not cut a change short
		r = r.WithContext(context.WithoutCancel(r.Context()))
	}
	w.Header().Set("Content-Type", "application/json")
	result, err := op(r)
	if err != nil {
		status, message := o.explain(err)
		w.WriteHeader(status)
		result = map[string]string{"error": message}
	}
	_ = json.NewEncoder(w).Encode(result) // the client is gone, nothing is left to do
}

// explain turns an error into a status and a sentence for an operator.
func (o operations) explain(err error) (int, string) {
	var invalid *account.InvalidError
	var bad badRequest
	var rows *userimport.InvalidError
	var no refused
	switch {
	case errors.As(err, &no):
		return no.status, err.Error()
	case errors.As(err, &rows):
		return http.StatusUnprocessableEntity, err.Error()
	case errors.As(err, &bad):
		return http.StatusBadRequest, err.Error()
	case errors.As(err, &invalid):
		return http.StatusUnprocessableEntity, o.describe(invalid)
	case errors.Is(err, authcore.ErrNotFound):
		return http.StatusNotFound, "there is no such user or session"
	case errors.Is(err, authcore.ErrConflict):
		return http.StatusConflict, strings.TrimSuffix(err.Error(), ": "+authcore.ErrConflict.Error())
	case errors.Is(err, authcore.ErrUnavailable):
		return http.StatusServiceUnavailable, err.Error()
	default:
		return http.StatusInternalServerError, err.Error()
	}
}

// badRequest is a request that cannot be understood.
type badRequest struct{ error }

func decodeBody(r *http.Request, to any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return badRequest{fmt.Errorf("reading request: %w", err)}
	}
	return nil
}

// statusView is the answer to `caddy sigra status`.
type statusView struct {
	// Gateway is running or, as the command says, not running.
	Gateway string `json:"gateway,omitempty"`
	// Ready says that it has started and that all stores answer.
	Ready bool `json:"ready"`
	// Trouble is why it is not ready, or what is wrong with a store.
	Trouble      string `json:"trouble,omitempty"`
	Database     string `json:"database"`
	SessionStore string `json:"session_store"`
	// Accounts is nil while the database cannot tell.
	Accounts *bool  `json:"accounts,omitempty"`
	Cached   int    `json:"sessions_cached"`
	Portal   string `json:"portal,omitempty"`
}

func (o operations) status(r *http.Request) (any, error) {
	health, trouble := o.app.examine(r.Context())
	started := o.app.engine.isReady()
	view := statusView{
		Ready: started && trouble == "", Database: health["database"], SessionStore: health["sessions"],
		Trouble: trouble, Cached: o.app.engine.sessions.Stats().Cached, Portal: o.app.sites().portal(),
	}
	if reason := o.app.trouble.Load(); reason != nil && !started {
		view.Trouble = *reason
	}
	if exists, err := o.app.engine.db.HasUsers(r.Context()); err == nil {
		view.Accounts = &exists
	}
	return view, nil
}

func (o operations) migrate(r *http.Request) (any, error) {
	if err := o.app.engine.db.Migrate(r.Context()); err != nil {
		return nil, err
	}
	return map[string]string{"status": "the database is up to date"}, nil
}

func (o operations) setUp(r *http.Request) (any, error) {
	if exists, err := o.app.engine.db.HasUsers(r.Context()); err == nil && !exists {
		if err := o.knowsAddress(); err != nil {
			return nil, err
		}
	}
	link, err := o.app.setUpLink(r.Context())
	if err != nil {
		return nil, err
	}
	return map[string]string{"link": link}, nil
}

// keyView is one signing key as operators see it.
type keyView struct {
	ID        string    `json:"kid"`
	Algorithm string    `json:"alg"`
	State     string    `json:"state"`
	CreatedAt time.Time `json:"created_at"`
	ActiveAt  time.Time `json:"active_at"`
}

func (o operations) listKeys(*http.Request) (any, error) {
	var views []keyView
	for _, k := range o.app.engine.signer.Keys() {
		views = append(views, keyView{k.ID, k.Algorithm, string(k.State), k.CreatedAt, k.ActiveAt})
	}
	return views, nil
}

func (o operations) rotateKey(r *http.Request) (any, error) {
	event := audit.New(time.Now(), audit.KeyRotate, authcore.Client{}).By(audit.ActorOperator, "")
	kid, err := o.app.engine.signer.Rotate(r.Context(), event)
	if err != nil {
		return nil, err
	}
	return map[string]string{"kid": kid, "status": "published now; it signs after the overlap"}, nil
}

var _ caddy.AdminRouter = (*AdminAPI)(nil)
