// Mux, along the six steps of the Backend Integration page.
package main

import (
	"log"
	"net/http"
	"os"

	"compat/releases"
	"compat/routes"

	"github.com/gorilla/handlers"
	"github.com/gorilla/mux"
	"github.com/supertokens/supertokens-golang/recipe/session"
	"github.com/supertokens/supertokens-golang/supertokens"
)

const websiteDomain = "http://localhost:3000"

func main() {
	// step 2: initialise
	apiBasePath := "/auth"
	websiteBasePath := "/auth"
	telemetry := false
	err := supertokens.Init(supertokens.TypeInput{
		Supertokens: &supertokens.ConnectionInfo{
			ConnectionURI: os.Getenv("CORE_URL"),
			APIKey:        os.Getenv("API_KEY"),
		},
		AppInfo: supertokens.AppInfo{
			AppName:         "compat",
			APIDomain:       "http://localhost:" + os.Getenv("PORT"),
			WebsiteDomain:   websiteDomain,
			APIBasePath:     &apiBasePath,
			WebsiteBasePath: &websiteBasePath,
		},
		RecipeList: []supertokens.Recipe{session.Init(nil)},
		Telemetry:  &telemetry,
	})
	if err != nil {
		log.Fatal(err)
	}

	router := mux.NewRouter()
	router.HandleFunc("/login", routes.Login).Methods(http.MethodPost)

	// step 5: routes that need a session
	router.HandleFunc("/session", session.VerifySession(nil, sessionInfo)).Methods(http.MethodGet)
	router.HandleFunc("/session-checked", session.VerifySession(releases.Checked, sessionInfo)).Methods(http.MethodGet)
	router.HandleFunc("/optional", session.VerifySession(releases.NoSession, routes.Optional)).Methods(http.MethodGet)
	router.HandleFunc("/merge", session.VerifySession(nil, routes.Merge)).Methods(http.MethodPost)
	router.HandleFunc("/claim", session.VerifySession(releases.OnlyAdmins, routes.Claim)).Methods(http.MethodGet)

	// step 3: CORS around the SuperTokens APIs; step 4: the middleware and VerifySession answer the SDK's errors
	releases.Serve(handlers.CORS(
		handlers.AllowedHeaders(append([]string{"Content-Type"}, supertokens.GetAllCORSHeaders()...)),
		handlers.AllowedMethods([]string{"GET", "POST", "PUT", "HEAD", "OPTIONS"}),
		handlers.AllowedOrigins([]string{websiteDomain}),
		handlers.AllowCredentials(),
	)(supertokens.Middleware(router)))
}

func sessionInfo(w http.ResponseWriter, r *http.Request) {
	sessionContainer := session.GetSessionFromRequestContext(r.Context())
	routes.Answer(w, map[string]interface{}{
		"userId":  sessionContainer.GetUserID(),
		"handle":  sessionContainer.GetHandle(),
		"payload": sessionContainer.GetAccessTokenPayload(),
	})
}
