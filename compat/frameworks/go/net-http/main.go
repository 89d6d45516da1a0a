// net/http, along the six steps of the Backend Integration page.
package main

import (
	"log"
	"net/http"
	"os"
	"strings"

	"compat/releases"
	"compat/routes"

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

	// step 3: CORS, then the SuperTokens APIs; step 4: the middleware and VerifySession answer the SDK's errors
	releases.Serve(corsMiddleware(supertokens.Middleware(http.HandlerFunc(application))))
}

func corsMiddleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(response http.ResponseWriter, r *http.Request) {
		response.Header().Set("Access-Control-Allow-Origin", websiteDomain)
		response.Header().Set("Access-Control-Allow-Credentials", "true")
		if r.Method == "OPTIONS" {
			response.Header().Set("Access-Control-Allow-Headers",
				strings.Join(append([]string{"Content-Type"}, supertokens.GetAllCORSHeaders()...), ","))
			response.Header().Set("Access-Control-Allow-Methods", "*")
			response.Write([]byte(""))
		} else {
			next.ServeHTTP(response, r)
		}
	})
}

// step 5: routes that need a session
func application(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "POST /login":
		routes.Login(w, r)
	case "GET /session":
		session.VerifySession(nil, sessionInfo).ServeHTTP(w, r)
	case "GET /session-checked":
		session.VerifySession(releases.Checked, sessionInfo).ServeHTTP(w, r)
	case "GET /optional":
		session.VerifySession(releases.NoSession, routes.Optional).ServeHTTP(w, r)
	case "POST /merge":
		session.VerifySession(nil, routes.Merge).ServeHTTP(w, r)
	case "GET /claim":
		session.VerifySession(releases.OnlyAdmins, routes.Claim).ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}

func sessionInfo(w http.ResponseWriter, r *http.Request) {
	sessionContainer := session.GetSessionFromRequestContext(r.Context())
	routes.Answer(w, map[string]interface{}{
		"userId":  sessionContainer.GetUserID(),
		"handle":  sessionContainer.GetHandle(),
		"payload": sessionContainer.GetAccessTokenPayload(),
	})
}
