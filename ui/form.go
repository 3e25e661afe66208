package ui

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
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

// readForm reads a posted form or a flat JSON object. Anything else is
// refused: a second value of a field could be read differently by another
// layer.
func (v *visit) readForm() error {
	mediaType, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if err != nil && v.r.Header.Get("Content-Type") != "" {
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
	switch mediaType {
	case "application/x-www-form-urlencoded", "":
		v.form, err = parseForm(string(body))
	case "application/json":
		v.form, err = parseJSON(body)
	default:
		return statusError(http.StatusUnsupportedMediaType)
	}
	return err
}

func parseForm(body string) (form, error) {
	if strings.Count(body, "&") >= maxFields {
		return nil, statusError(http.StatusBadRequest)
	}
	values, err := url.ParseQuery(body)
	if err != nil {
		return nil, statusError(http.StatusBadRequest)
	}
	f := make(form, len(values))
	for name, list := range values {
		if len(list) != 1 {
			return nil, statusError(http.StatusBadRequest)
		}
		f[name] = list[0]
	}
	return f, nil
}

// parseJSON reads an object of strings and booleans, token by token: unlike
// decoding into a map, that notices a name that comes twice.
func parseJSON(body []byte) (form, error) {
	bad := statusError(http.StatusBadRequest)
	d := json.NewDecoder(strings.NewReader(string(body)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, bad
	}
	f := make(form)
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, bad
		}
		value, err := d.Token()
		if err != nil {
			return nil, bad
		}
		key, ok := name.(string)
		if _, twice := f[key]; !ok || twice || len(f) >= maxFields {
			return nil, bad
		}
		switch value := value.(type) {
		case string:
			f[key] = value
		case bool:
			if value {
				f[key] = "true"
			}
		default:
			return nil, bad
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, bad
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, bad
	}
	return f, nil
}
