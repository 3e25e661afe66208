package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// messages is a catalogue: every sentence that a visitor reads, by key.
// `{name}` in a sentence is a placeholder.
type messages map[string]string

var placeholder = regexp.MustCompile(`\{[a-z_]+\}`)

// covers reports the first message of another catalogue that this one lacks, or
// that has a placeholder there which it lacks here. It would change nothing, or
// show its braces.
func (m messages) covers(other messages) error {
	for _, key := range slices.Sorted(maps.Keys(other)) {
		ours, ok := m[key]
		if !ok {
			return fmt.Errorf("there is no message %q", key)
		}
		for _, p := range placeholder.FindAllString(other[key], -1) {
			if !strings.Contains(ours, p) {
				return fmt.Errorf("message %q has no placeholder %s", key, p)
			}
		}
	}
	return nil
}

func parseMessages(file string, raw []byte) (messages, error) {
	m := make(messages)
	err := json.Unmarshal(raw, &m)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("%s:%d: %w", file, lineOf(raw, syntax.Offset), err)
	case errors.As(err, &kind):
		return nil, fmt.Errorf("%s:%d: %w", file, lineOf(raw, kind.Offset), err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", file, err)
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
