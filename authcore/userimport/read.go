package userimport

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// columns are those of a CSV file; each reads its value into a row.
var columns = map[string]func(*Row, string) error{
	"email":         func(r *Row, v string) error { r.Email = v; return nil },
	"name":          func(r *Row, v string) error { r.Name = v; return nil },
	"role":          func(r *Row, v string) error { r.Role = v; return nil },
	"password_hash": func(r *Row, v string) error { r.PasswordHash = v; return nil },
	"language":      func(r *Row, v string) error { r.Language = v; return nil },
	"disabled": func(r *Row, v string) (err error) {
		r.Disabled, err = strconv.ParseBool(v)
		return err
	},
	"email_verified": func(r *Row, v string) error {
		verified, err := strconv.ParseBool(v)
		r.EmailVerified = &verified
		return err
	},
	"created_at": func(r *Row, v string) (err error) {
		r.CreatedAt, err = time.Parse(time.RFC3339, v)
		return err
	},
}

// Columns are the names that the first line of a CSV file may hold.
var Columns = []string{"email", "name", "role", "email_verified", "password_hash", "language", "disabled", "created_at"}

// Read reads a file: a JSON array of objects, JSON objects line by line, or CSV
// whose first line names the columns. Unknown names are refused: what an operator
// meant to import must not be lost. It fails with *InvalidError for bad rows. Seen
// is told now and then how many rows there are.
func Read(file io.Reader, seen func(rows int)) ([]Row, error) {
	r := bufio.NewReader(file)
	if bom, err := r.Peek(3); err == nil && bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		_, _ = r.Discard(3) // they are there
	}
	first, above, err := firstByte(r)
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, err
	case first == '[' || first == '{':
		return readJSON(&lineCounter{r: r, passed: above}, first == '[', seen)
	default:
		return readCSV(r, seen)
	}
}

// firstByte skips white space and returns what follows, and the lines above it.
func firstByte(r *bufio.Reader) (first byte, above int, err error) {
	for {
		b, err := r.ReadByte()
		switch {
		case err != nil:
			return 0, above, err
		case b == '\n':
			above++
		case b != ' ' && b != '\t' && b != '\r':
			return b, above, r.UnreadByte()
		}
	}
}

func readCSV(file io.Reader, seen func(int)) ([]Row, error) {
	r := csv.NewReader(file)
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("reading the first line: %w", err)
	}
	setters := make([]func(*Row, string) error, len(header))
	names := make([]string, len(header))
	for i, name := range header {
		names[i] = strings.ToLower(strings.TrimSpace(name))
		if setters[i] = columns[names[i]]; setters[i] == nil {
			return nil, fmt.Errorf("unknown column %q; there are %s", name, strings.Join(Columns, ", "))
		}
	}
	var rows []Row
	invalid := new(InvalidError)
	for len(rows) <= MaxRows {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil { // what follows cannot be told apart any more
			return nil, fmt.Errorf("reading rows: %w", err)
		}
		line, _ := r.FieldPos(0)
		row := Row{Line: line}
		for i, value := range record {
			if value = strings.TrimSpace(value); value == "" {
				continue
			}
			if err := setters[i](&row, value); err != nil {
				invalid.add(line, "%s: %q cannot be read", names[i], value)
			}
		}
		rows = append(rows, row)
		seen(len(rows))
	}
	if len(invalid.Problems) > 0 {
		return nil, invalid
	}
	return rows, nil
}

// readJSON reads objects from an array or one after the other.
func readJSON(counted *lineCounter, array bool, seen func(int)) ([]Row, error) {
	d := json.NewDecoder(counted)
	if array {
		if _, err := d.Token(); err != nil {
			return nil, err
		}
	}
	var rows []Row
	for len(rows) <= MaxRows && (!array || d.More()) {
		var raw json.RawMessage
		if err := d.Decode(&raw); err == io.EOF && !array {
			return rows, nil
		} else if err != nil {
			return nil, fmt.Errorf("line %d: %w", counted.line(offsetOf(err, d.InputOffset())), err)
		}
		row, err := decodeRow(raw)
		row.Line = counted.line(d.InputOffset() - int64(len(raw)))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", row.Line, err)
		}
		rows = append(rows, row)
		seen(len(rows))
	}
	if len(rows) > MaxRows {
		return rows, nil // which is refused as a whole
	}
	// A file that was cut off, or that goes on, is not what somebody meant to
	// import.
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("line %d: the array does not end: %w", counted.line(d.InputOffset()), err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("line %d: something follows the array", counted.line(d.InputOffset()))
	}
	return rows, nil
}

// offsetOf returns where an error is, or else the given offset.
func offsetOf(err error, offset int64) int64 {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return max(offset, syntax.Offset)
	}
	return offset
}

func decodeRow(raw []byte) (row Row, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err = d.Decode(&row)
	return row, err
}

// lineCounter tells on which line an offset of what was read is.
type lineCounter struct {
	r      io.Reader
	offset int64
	ends   []int64 // offsets of line feeds that were not asked for yet
	passed int
}

func (c *lineCounter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for i, b := range p[:n] {
		if b == '\n' {
			c.ends = append(c.ends, c.offset+int64(i))
		}
	}
	c.offset += int64(n)
	return n, err
}

// line returns the line of an offset; offsets grow.
func (c *lineCounter) line(offset int64) int {
	passed := 0
	for passed < len(c.ends) && c.ends[passed] < offset {
		passed++
	}
	c.passed += passed
	c.ends = c.ends[passed:]
	return c.passed + 1
}
