/*
 * beside: the points beside the 100: predictions, quizzes and the bonus, which
 * grader/predict/predict.py and grader/bonus/bonus.py write into DIRECTORY/predict/labNN.json and
 * DIRECTORY/bonus/labNN.json.
 */
#ifndef GRADER_RESULT_BESIDE_H
#define GRADER_RESULT_BESIDE_H

#include <jansson.h>

/* An object with the content of every existing file, by "lab02/predict"; empty if there are none.
 * NULL when there is no memory. */
json_t *beside_read(const char *directory);

/* The points in it, and how many there could be. */
void beside_points(const json_t *beside, int *points, int *possible);

#endif
