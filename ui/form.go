package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxBody   = 64 << 10
	maxFields = 64
)

// form is what a visitor sent: each field once.
type form map[string]string

func (f form) checked(name string) bool {
	switch f[name] {
	case "on", "true", "1":
		return true
	}
	return false
}

// maxEcho bounds what is shown of a field again, in bytes: the longest e-mail
// address.
const maxEcho = 254

// clip cuts a text that is shown again, between two characters.
func clip(s string) string {
	if len(s) <= maxEcho {
		return s
	}
	return strings.ToValidUTF8(s[:maxEcho], "")
}

// readPost reads a posted form, a flat JSON object or, for a route that takes it,
// any JSON. Anything else is refused: a second value of a field, or bytes that are
// no text, could be read differently by another layer.
func (v *visit) readPost() error {
	mediaType, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if err != nil && v.r.Header.Get("Content-Type") != "" || v.r.Header.Get("Content-Encoding") != "" {
		return statusError(http.StatusUnsupportedMediaType)
	}
	body, err := io.ReadAll(http.MaxBytesReader(v.w, v.r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return statusError(http.StatusRequestEntityTooLarge)
	case err != nil:
		return statusError(http.StatusBadRequest)
	}
	switch {
	case v.route.raw && mediaType == "application/json":
		v.body, v.form = body, form{}
	case v.route.raw:
		return statusError(http.StatusUnsupportedMediaType)
	case mediaType == "application/x-www-form-urlencoded", mediaType == "" && len(body) == 0:
		v.form, err = parseForm(string(body))
	case mediaType == "application/json":
		v.form, err = parseJSON(body)
	default:
		return statusError(http.StatusUnsupportedMediaType)
	}
	if err != nil || !v.form.isText() {
		return statusError(http.StatusBadRequest)
	}
	return nil
}

// nextSent is where the visitor wants to go, as it came: with a form, or in the
// address of what a script sends.
func (v *visit) nextSent() string {
	if next := v.form["return_to"]; next != "" {
		return next
	}
	return v.r.URL.Query().Get("return_to")
}

// isText reports whether all names and values are UTF-8 without NUL, which
// databases refuse.
func (f form) isText() bool {
	for name, value := range f {
		if !utf8.ValidString(name) || !utf8.ValidString(value) || strings.ContainsRune(name+value, 0) {
			return false
		}
	}
	return true
}

// errMalformed is a body that cannot be read in one way only.
var errMalformed = errors.New("malformed form")

func parseForm(body string) (form, error) {
	if strings.Count(body, "&") >= maxFields {
		return nil, errMalformed
	}
	values, err := url.ParseQuery(body)
	if err != nil {
		return nil, errMalformed
	}
	f := make(form, len(values))
	for name, list := range values {
		if len(list) != 1 {
			return nil, errMalformed
		}
		f[name] = list[0]
	}
	return f, nil
}

// parseJSON reads an object of strings and booleans, token by token: unlike
// decoding into a map, that notices a name that comes twice.
func parseJSON(body []byte) (form, error) {
	if !utf8.Valid(body) { // the decoder would put replacement characters
		return nil, errMalformed
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errMalformed
	}
	f := make(form)
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errMalformed
		}
		value, err := d.Token()
		if err != nil {
			return nil, errMalformed
		}
		key, ok := name.(string)
		if _, twice := f[key]; !ok || twice || len(f) >= maxFields {
			return nil, errMalformed
		}
		switch value := value.(type) {
		case string:
			f[key] = value
		case bool:
			f[key] = strconv.FormatBool(value)
		default:
			return nil, errMalformed
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, errMalformed
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errMalformed
	}
	return f, nil
}
