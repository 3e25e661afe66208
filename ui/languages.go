package ui

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

//go:embed messages
var messageFiles embed.FS

// fallback is the language of who asks for none that there is.
const fallback = "en"

// maxAcceptLanguage bounds what is read of the header, in bytes.
const maxAcceptLanguage = 256

// languages are the catalogues by their BCP 47 tag, each complete.
type languages struct {
	// tags are those of the catalogues, the fallback first.
	tags    []string
	texts   map[string]messages
	matcher language.Matcher
}

// loadLanguages reads our catalogues and an operator's directory: a file named
// as one of ours replaces messages in it, another one is a further language,
// and has to be complete.
func loadLanguages(dir string) (*languages, error) {
	l := &languages{texts: make(map[string]messages)}
	if err := l.embedded(); err != nil {
		return nil, err
	}
	if dir != "" {
		if err := l.read(dir); err != nil {
			return nil, fmt.Errorf("messages: %w", err)
		}
	}
	l.tags = append(l.tags, fallback)
	for _, tag := range slices.Sorted(maps.Keys(l.texts)) {
		if tag != fallback {
			l.tags = append(l.tags, tag)
		}
	}
	parsed := make([]language.Tag, len(l.tags))
	for i, tag := range l.tags {
		parsed[i] = language.Make(tag)
	}
	l.matcher = language.NewMatcher(parsed)
	return l, nil
}

func (l *languages) embedded() error {
	files, err := messageFiles.ReadDir("messages")
	if err != nil {
		return fmt.Errorf("reading messages: %w", err)
	}
	for _, file := range files {
		raw, err := messageFiles.ReadFile("messages/" + file.Name())
		if err != nil {
			return fmt.Errorf("reading messages: %w", err)
		}
		tag := strings.TrimSuffix(file.Name(), path.Ext(file.Name()))
		if l.texts[tag], err = parseMessages(file.Name(), raw); err != nil {
			return fmt.Errorf("messages: %w", err)
		}
	}
	return nil
}

func (l *languages) read(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%s: %w: no file such as en.json", dir, fs.ErrNotExist)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		theirs, err := parseMessages(file, raw)
		if err != nil {
			return err
		}
		if err := l.add(strings.TrimSuffix(filepath.Base(file), ".json"), theirs); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// add takes an operator's catalogue.
func (l *languages) add(tag string, theirs messages) error {
	if parsed, err := language.Parse(tag); err != nil || parsed.String() != tag {
		return errors.New("the name of the file is no language tag (BCP 47) such as fr or pt-BR")
	}
	if err := l.texts[fallback].covers(theirs); err != nil {
		return err
	}
	ours, known := l.texts[tag]
	if !known {
		l.texts[tag] = theirs
		return theirs.covers(l.texts[fallback])
	}
	maps.Copy(ours, theirs)
	return nil
}

// fill replaces a placeholder whose value the configuration gives, in messages of every
// catalogue: templates of operators need not know of it.
func (l *languages) fill(name, value string, keys ...string) {
	for _, m := range l.texts {
		for _, key := range keys {
			m[key] = m.text(key, name, value)
		}
	}
}

// best returns the tag of the catalogue that fits a preference best: a tag or
// an Accept-Language header (RFC 9110 section 12.5.4).
func (l *languages) best(preference string) string {
	if preference == "" || len(preference) > maxAcceptLanguage {
		return fallback
	}
	wanted, _, err := language.ParseAcceptLanguage(preference)
	if err != nil || len(wanted) == 0 {
		return fallback
	}
	_, index, confidence := l.matcher.Match(wanted...)
	if confidence == language.No {
		return fallback
	}
	return l.tags[index]
}

// of returns the catalogue of a tag, or the one that fits it best.
func (l *languages) of(tag string) messages {
	if m, ok := l.texts[tag]; ok {
		return m
	}
	return l.texts[l.best(tag)]
}
