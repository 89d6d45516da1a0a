// Package routes has the handlers that the applications on plain net/http handlers share: net/http itself, Chi and Mux.
package routes

import (
	"encoding/json"
	"net/http"

	"compat/releases"

	"github.com/supertokens/supertokens-golang/recipe/session"
	"github.com/supertokens/supertokens-golang/supertokens"
)

// Answer writes a JSON answer.
func Answer(w http.ResponseWriter, body map[string]interface{}) {
	w.Header().Set("content-type", "application/json; charset=utf-8")
	json.NewEncoder(w).Encode(body)
}

// Fail lets the SDK answer its own errors; any other is a 500.
func Fail(w http.ResponseWriter, r *http.Request, err error) {
	if err = supertokens.ErrorHandler(err, r, w); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// Login makes a session.
func Login(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		UserID  string                 `json:"userId"`
		Payload map[string]interface{} `json:"payload"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, "not JSON", http.StatusBadRequest)
		return
	}
	made, err := releases.CreateSession(r, w, asked.UserID, asked.Payload)
	if err != nil {
		Fail(w, r, err)
		return
	}
	Answer(w, map[string]interface{}{"userId": asked.UserID, "handle": made.GetHandle()})
}

// Optional says who is logged in, if anyone is.
func Optional(w http.ResponseWriter, r *http.Request) {
	var userID interface{}
	if found := session.GetSessionFromRequestContext(r.Context()); found != nil {
		userID = found.GetUserID()
	}
	Answer(w, map[string]interface{}{"userId": userID})
}

// Merge merges the body into the access token's payload.
func Merge(w http.ResponseWriter, r *http.Request) {
	var update map[string]interface{}
	if err := json.NewDecoder(r.Body).Decode(&update); err != nil {
		http.Error(w, "not JSON", http.StatusBadRequest)
		return
	}
	if err := session.GetSessionFromRequestContext(r.Context()).MergeIntoAccessTokenPayload(update); err != nil {
		Fail(w, r, err)
		return
	}
	Answer(w, map[string]interface{}{})
}

// Claim says who it is that has the claim.
func Claim(w http.ResponseWriter, r *http.Request) {
	Answer(w, map[string]interface{}{"userId": session.GetSessionFromRequestContext(r.Context()).GetUserID()})
}
