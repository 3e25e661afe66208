package ui

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// keptView is the page that offers a form again that met a session which had
// ended.
type keptView struct {
	// Action is where the form goes, as the visitor knows it.
	Action string
	Fields []keptField
}

// keptField is a field of the form.
type keptField struct {
	Name, Value string
	// Shown is the value as it is shown: cut, and nothing of a secret.
	Shown string
}

// secretField finds the names of fields whose values are nobody's to read.
var secretField = regexp.MustCompile(`(?i)pass|secret|token|csrf|code|pin|card|cvc|key`)

// maxShown bounds what is shown of a value, in characters.
const maxShown = 80

func (v *visit) showKept() error {
	form, err := v.Kept.Form(v.r.Context(), v.live, v.linkSecret(), v.facts.Origin)
	if err != nil {
		return err
	}
	if _, ok := localPath(form.Action); !ok {
		return statusError(http.StatusNotFound) // a browser would take it for another host
	}
	view := keptView{Action: form.Action}
	for pair := range strings.SplitSeq(form.Body, "&") { // in their order, which an app may rely on
		name, value, _ := strings.Cut(pair, "=")
		field := keptField{Name: unescape(name), Value: unescape(value)}
		if field.Shown = field.Value; secretField.MatchString(field.Name) {
			field.Shown = "•••"
		} else if runes := []rune(field.Value); len(runes) > maxShown {
			field.Shown = string(runes[:maxShown]) + "…"
		}
		if pair != "" {
			view.Fields = append(view.Fields, field)
		}
	}
	return v.show("kept", view)
}

func unescape(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}
