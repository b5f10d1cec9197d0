// The REST interface as a page: Swagger UI over our own description, without a request to anywhere else.
SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#interface",
  deepLinking: true,
  validatorUrl: null,
  tryItOutEnabled: false,
});
