package ui

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed messages/en.json
var messageFiles embed.FS

// messages is a catalogue: every sentence that a visitor reads, by key.
// `{name}` in a sentence is a placeholder.
type messages map[string]string

// loadMessages reads the catalogue and what an operator replaces in it. A key
// that does not exist is an error: it would change nothing.
func loadMessages(dir string) (messages, error) {
	raw, err := messageFiles.ReadFile("messages/en.json")
	if err != nil {
		return nil, fmt.Errorf("reading messages: %w", err)
	}
	m := make(messages)
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("reading messages: %w", err)
	}
	if dir == "" {
		return m, nil
	}
	file := filepath.Join(dir, "en.json")
	raw, err = os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("messages: there is no %s", file)
	}
	if err != nil {
		return nil, fmt.Errorf("messages: %w", err)
	}
	replaced := make(messages)
	if err := json.Unmarshal(raw, &replaced); err != nil {
		return nil, fmt.Errorf("messages: %s: %w", file, err)
	}
	for key, text := range replaced {
		if _, ok := m[key]; !ok {
			return nil, fmt.Errorf("messages: %s: there is no message %q", file, key)
		}
		m[key] = text
	}
	return m, nil
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
