package userimport

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func read(t *testing.T, text string) []Row {
	t.Helper()
	rows, err := Read(strings.NewReader(text), func(int) {})
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return rows
}

func TestRead(t *testing.T) {
	for name, text := range map[string]string{
		"CSV":        "\xef\xbb\xbfName, EMAIL ,password_hash,email_verified,created_at,disabled\r\n\"Lovelace,\n Ada\",ada@example.com,$2a$x,,2020-01-02T03:04:05Z,\r\nGrace,grace@example.com,,false,,true\r\n",
		"JSON":       "[\n\t{\"name\": \"Lovelace,\\n Ada\", \"email\": \"ada@example.com\", \"password_hash\": \"$2a$x\",\n\"created_at\": \"2020-01-02T03:04:05Z\"},\n{\"name\": \"Grace\", \"email\": \"grace@example.com\", \"email_verified\": false, \"disabled\": true}]",
		"JSON lines": "\n\n{\"name\": \"Lovelace,\\n Ada\", \"email\": \"ada@example.com\", \"password_hash\": \"$2a$x\", \"created_at\": \"2020-01-02T03:04:05Z\"}\n\n{\"name\": \"Grace\", \"email\": \"grace@example.com\", \"email_verified\": false, \"disabled\": true}\n",
	} {
		rows := read(t, text)
		if len(rows) != 2 {
			t.Fatalf("%s: %+v", name, rows)
		}
		ada, grace := rows[0], rows[1]
		if ada.Email != "ada@example.com" || ada.Name != "Lovelace,\n Ada" || ada.PasswordHash != "$2a$x" || ada.EmailVerified != nil || ada.Disabled || ada.CreatedAt.Year() != 2020 {
			t.Errorf("%s: %+v", name, ada)
		}
		if grace.EmailVerified == nil || *grace.EmailVerified || !grace.Disabled || !grace.CreatedAt.IsZero() {
			t.Errorf("%s: %+v", name, grace)
		}
		if ada.Line >= grace.Line || ada.Line < 2 || grace.Line > 5 {
			t.Errorf("%s: lines %d and %d", name, ada.Line, grace.Line)
		}
	}
	if rows := read(t, " \n"); len(rows) != 0 {
		t.Errorf("an empty file: %+v", rows)
	}
}

func TestReadCountsLines(t *testing.T) {
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, "{\"email\": \"user-%d@example.com\"}\n", i)
	}
	for i, row := range read(t, b.String()) {
		if row.Line != i+1 {
			t.Fatalf("row %d is on line %d", i, row.Line)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for text, message := range map[string]string{
		"email,pasword_hash\na@example.com,x\n":                 `unknown column "pasword_hash"; there are email`,
		"email,disabled\na@example.com,maybe\nb@example.com,no": `line 2: disabled: "maybe" cannot be read`,
		"email,name\na@example.com\n":                           "wrong number of fields",
		"email\n\"a@example.com\n":                              "line 2",
		"[{\"email\": \"a@example.com\"},\n{\"mail\": \"b\"}]":  "line 2",
		"{\"email\": 7}":                                        "line 1",
		"{\"email\": \"a@example.com\"":                         "line 1",
		"[{\"email\": \"a@example.com\"}":                       "does not end",
		"[{\"email\": \"a@example.com\"},":                      "line 1",
		"[{\"email\": \"a@example.com\"}]\n[]":                  "something follows",
		"{\"email\": \"a@example.com\"}\n}\n{\"email\": \"b\"}": "line 2",
		"[\n\n{\n\"email\": \"a@example.com\",\n\"x\": 1\n}]":   "line 3",
		"email,created_at\na@example.com,yesterday":             "created_at",
	} {
		if _, err := Read(strings.NewReader(text), func(int) {}); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%q: %v, want %s", text, err, message)
		}
	}
}

func TestCheck(t *testing.T) {
	s := New(nil, func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) })
	_, _, err := s.check([]Row{
		{Line: 2, Email: "ada@example.com"}, {Line: 3, Email: "Ada@EXAMPLE.com"}, {Line: 4, Email: "nonsense"},
		{Line: 5, Email: "b@example.com", Role: "root"}, {Line: 6, Email: "c@example.com", PasswordHash: "5f4dcc3b5aa765d61d8327deb882cf99"},
		{Line: 7, Email: "d@example.com", Name: strings.Repeat("x", 300)}, {Line: 8, Email: "e@example.com", CreatedAt: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
		{Line: 9, Email: "f@example.com", Language: "de\x00"}, {Line: 10, Email: "g@example.com", Profile: map[string]string{"a": strings.Repeat("x", 501)}},
	})
	var invalid *InvalidError
	if !errors.As(err, &invalid) || len(invalid.Problems) != 8 {
		t.Fatalf("%v", err)
	}
	for i, want := range []string{"line 2 already", "no e-mail address", `role "root"`, "Argon2id", "too long", "future", "no language", "profile is too long"} {
		if p := invalid.Problems[i]; p.Line != i+3 || !strings.Contains(p.Message, want) {
			t.Errorf("%+v, want %s", p, want)
		}
	}
	bad := make([]Row, 250)
	if _, _, err := s.check(bad); !errors.As(err, &invalid) || len(invalid.Problems) != maxProblems || invalid.More != 150 || !strings.HasSuffix(err.Error(), "and 150 more") {
		t.Errorf("%v", err)
	}
	if _, err := s.Import(t.Context(), make([]Row, MaxRows+1), true); !errors.As(err, &invalid) {
		t.Errorf("too many rows: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("email,name\na@example.com,Ada\n")
	f.Add(`[{"email": "a@example.com"}]`)
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := Read(strings.NewReader(text), func(int) {})
		if err == nil {
			for _, row := range rows {
				if row.Line < 1 {
					t.Errorf("%q: line %d", text, row.Line)
				}
			}
		}
	})
}
