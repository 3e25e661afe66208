package ui

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed messages/en.json
var messageFiles embed.FS

// messages is a catalogue: every sentence that a visitor reads, by key.
// `{name}` in a sentence is a placeholder.
type messages map[string]string

var placeholder = regexp.MustCompile(`\{[a-z_]+\}`)

// loadMessages reads the catalogue and what an operator replaces in it. A key
// that does not exist is an error: it would change nothing.
func loadMessages(dir string) (messages, error) {
	raw, err := messageFiles.ReadFile("messages/en.json")
	if err != nil {
		return nil, fmt.Errorf("reading messages: %w", err)
	}
	m, err := parseMessages("messages/en.json", raw)
	if err != nil || dir == "" {
		return m, err
	}
	file := filepath.Join(dir, "en.json")
	if raw, err = os.ReadFile(file); err != nil {
		return nil, fmt.Errorf("messages: %w", err)
	}
	replaced, err := parseMessages(file, raw)
	if err != nil {
		return nil, err
	}
	for key, text := range replaced {
		ours, ok := m[key]
		if !ok {
			return nil, fmt.Errorf("messages: %s: there is no message %q", file, key)
		}
		for _, p := range placeholder.FindAllString(text, -1) {
			if !slices.Contains(placeholder.FindAllString(ours, -1), p) {
				return nil, fmt.Errorf("messages: %s: message %q has no placeholder %s", file, key, p)
			}
		}
		m[key] = text
	}
	return m, nil
}

func parseMessages(file string, raw []byte) (messages, error) {
	m := make(messages)
	err := json.Unmarshal(raw, &m)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("messages: %s:%d: %w", file, lineOf(raw, syntax.Offset), err)
	case errors.As(err, &kind):
		return nil, fmt.Errorf("messages: %s:%d: %w", file, lineOf(raw, kind.Offset), err)
	case err != nil:
		return nil, fmt.Errorf("messages: %s: %w", file, err)
	}
	return m, nil
}

func lineOf(raw []byte, offset int64) int {
	return 1 + bytes.Count(raw[:min(offset, int64(len(raw)))], []byte("\n"))
}

// text returns a message with its placeholders replaced, given as names and
// values. A missing one shows its key, which a test keeps from happening.
func (m messages) text(key string, pairs ...string) string {
	text, ok := m[key]
	if !ok {
		return key
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, "{"+pairs[i]+"}", pairs[i+1])
	}
	return text
}

// require is text for templates, where a missing message is an error.
func (m messages) require(key string, pairs ...string) (string, error) {
	if _, ok := m[key]; !ok {
		return "", fmt.Errorf("there is no message %q", key)
	}
	return m.text(key, pairs...), nil
}
