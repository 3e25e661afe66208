package profile

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sigra-auth/sigra/authcore/account"
)

// Type says what a field holds. It is also the type of the input (HTML), but
// for Choice.
type Type string

// The types.
const (
	// Text is a line of text.
	Text Type = "text"
	// Number is a decimal number, such as 42 or -1.5.
	Number Type = "number"
	// Date is a calendar date (RFC 3339 full-date).
	Date Type = "date"
	// URL is a web address.
	URL Type = "url"
	// Phone is a telephone number: digits, spaces and +-()./ in any order.
	Phone Type = "tel"
	// Choice is one of the field's options.
	Choice Type = "choice"
)

// Types are all of them.
var Types = []Type{Text, Number, Date, URL, Phone, Choice}

const (
	// defaultMax is how long a value may be, in characters, unless the field says
	// otherwise; maxMax is the most that it can say.
	defaultMax = 100
	maxMax     = 500
	// maxFields bounds the fields, since every session carries their values.
	maxFields = 20
)

// Field is something that the operator asks users for.
type Field struct {
	// Name is that of the form's field and of the claim: a to z, 0 to 9 and _.
	Name string
	Type Type
	// Label is shown to users. Default: the name.
	Label string
	// Required refuses an empty value.
	Required bool
	// Max is the longest value, in characters. Default: 100, at most 500.
	Max int
	// Options are the values of a Choice.
	Options []string
}

// Fields are what the operator asks for, in the order in which they are shown.
type Fields []Field

// reserved are the names of other fields of the same forms, and of registered
// claims (RFC 7519 section 4.1, OpenID Connect Core section 5.1).
var reserved = []string{
	"email", "password", "name", "remember", "return_to", "language", "current", "code",
	"iss", "aud", "sub", "sid", "iat", "nbf", "exp", "jti", "email_verified", "amr", "acr", "auth_time", "groups",
	"org_id", "org_slug", "org_name", "org_role", "act", "scope", "locale",
	// What apps grant rights by must not be what people say of themselves.
	"role", "roles", "permissions", "entitlements", "admin", "azp", "client_id", "cnf", "nonce",
}

var fieldName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// Validate checks the fields of a configuration.
func (fs Fields) Validate() error {
	if len(fs) > maxFields {
		return fmt.Errorf("there are %d profile fields; %d is the most", len(fs), maxFields)
	}
	for i, f := range fs {
		if slices.ContainsFunc(fs[:i], func(other Field) bool { return other.Name == f.Name }) {
			return fmt.Errorf("profile field %s: it is there twice", f.Name)
		}
		if err := f.validate(); err != nil {
			return fmt.Errorf("profile field %s: %w", f.Name, err)
		}
	}
	return nil
}

func (f Field) validate() error {
	switch {
	case !fieldName.MatchString(f.Name):
		return errors.New("a name has a to z, 0 to 9 and _ only, begins with a letter, and has at most 40 characters")
	case slices.Contains(reserved, f.Name):
		return errors.New("this name is taken by Sigra itself")
	case !slices.Contains(Types, f.Type):
		return fmt.Errorf("unknown type %q", f.Type)
	case f.Type == Choice && len(f.Options) < 2:
		return errors.New("a choice wants at least two options")
	case f.Type != Choice && len(f.Options) > 0:
		return errors.New("only a choice has options")
	case f.Max < 0 || f.Max > maxMax:
		return fmt.Errorf("max must be 1 to %d", maxMax)
	}
	return nil
}

// Limit returns the longest value, in characters.
func (f Field) Limit() int {
	if f.Max == 0 {
		return defaultMax
	}
	return f.Max
}

// Clip cuts a value that is shown again to what the field may hold.
func (f Field) Clip(value string) string {
	if runes := []rune(value); len(runes) > f.Limit() {
		return string(runes[:f.Limit()])
	}
	return value
}

// Clean implements account.Fields: it returns the values of a form that are
// kept, on one line and without control characters, and what is wrong with
// them by field name. Names that are no field are ignored.
func (fs Fields) Clean(given map[string]string) (kept map[string]string, problems map[string]account.Problem) {
	kept, problems = make(map[string]string), make(map[string]account.Problem)
	for _, f := range fs {
		value := account.CleanLine(given[f.Name])
		switch problem := f.judge(value); {
		case problem != "":
			problems[f.Name] = problem
		case value != "":
			kept[f.Name] = value
		}
	}
	return kept, problems
}

func (f Field) judge(value string) account.Problem {
	switch {
	case value == "" && f.Required:
		return account.ProblemRequired
	case value == "":
		return ""
	case utf8.RuneCountInString(value) > f.Limit():
		return account.ProblemValueTooLong
	case !f.accepts(value):
		return account.ProblemValue
	default:
		return ""
	}
}

var (
	number = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)
	phone  = regexp.MustCompile(`^[0-9 +()./-]{3,}$`)
)

// accepts reports whether a value is one of the type.
func (f Field) accepts(value string) bool {
	switch f.Type {
	case Number:
		_, err := strconv.ParseFloat(value, 64)
		return err == nil && number.MatchString(value)
	case Date:
		_, err := time.Parse(time.DateOnly, value)
		return err == nil
	case URL:
		u, err := url.Parse(value)
		return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && !strings.ContainsAny(value, " <>\"")
	case Phone:
		return phone.MatchString(value)
	case Choice:
		return slices.Contains(f.Options, value)
	default:
		return true
	}
}

var _ account.Fields = Fields(nil)
