package caddymodule

import (
	"context"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/sigra-auth/sigra/authcore/kept"
)

// keepTimeout bounds how long keeping a form may take.
const keepTimeout = 5 * time.Second

// keep keeps a form that may not pass for the user who has sent it, and returns
// the page that offers it again, or nothing. Only a form that a page of the same
// site has sent is kept: one that another site made the browser send would else
// be offered as if the visitor had written it. Whose it is tells the session or,
// when that has ended, the mark of the browser: nobody else gets to see it.
func (g *Gate) keep(r *http.Request, st *state, at *site) (page string) {
	// A visitor without a session has not waited for the engine, and there is nothing to
	// read a mark with before it has started.
	if !isForm(r, st.came) || !isSameOrigin(r, at) || !g.app.engine.isReady() {
		return ""
	}
	ctx, cancel := context.WithTimeout(r.Context(), keepTimeout)
	defer cancel()
	userID, err := g.keeper(ctx, st, at)
	if err != nil || userID == "" {
		return ""
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, kept.MaxBody+1))
	if err != nil || len(body) > kept.MaxBody || !utf8.Valid(body) {
		return ""
	}
	secret, err := g.app.kept.Keep(ctx, userID, kept.Form{Action: originalURL(r).RequestURI(), Site: at.origin, Body: string(body)})
	if err != nil {
		g.app.logger.Warn("form not kept", slog.Any("error", err))
		return ""
	}
	return g.portal + "/resend/" + secret
}

// keeper is the user that a form is kept for; empty when that is not known. Each user
// may have so many kept: whoever holds an old mark must not fill the store.
func (g *Gate) keeper(ctx context.Context, st *state, at *site) (userID string, err error) {
	// A pending session proves less than the mark: it must not replace what the owner
	// has had kept.
	if st.live != nil && !st.live.Identity.Pending {
		userID = st.live.Identity.UserID
	} else if userID, err = g.app.accounts.KnownUser(ctx, marks(st, at)); err != nil || userID == "" {
		return "", err
	}
	return userID, g.app.engine.throttle.Keep(ctx, userID)
}

// marks are the values of the cookies that mark the browser as known.
func marks(st *state, at *site) (values []string) {
	sent := http.Request{Header: http.Header{"Cookie": st.cookies}}
	for _, c := range sent.CookiesNamed(at.cookie.DeviceName()) {
		values = append(values, c.Value)
	}
	return values
}

// isForm reports whether a browser has posted a form whose answer it will show.
func isForm(r *http.Request, came arrival) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	if r.Method != http.MethodPost || mode != "" && mode != "navigate" || came.upgrade || r.Header.Get("X-Requested-With") != "" {
		return false
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && mediaType == "application/x-www-form-urlencoded" && r.Header.Get("Content-Encoding") == ""
}

// isSameOrigin reports whether a page of the site has sent a request.
func isSameOrigin(r *http.Request, at *site) bool {
	if from := r.Header.Get("Sec-Fetch-Site"); from != "" {
		return from == "same-origin"
	}
	u, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && u.Scheme+"://"+u.Host == at.origin
}
